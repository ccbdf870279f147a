// The form of a quota: a number is entered only where there is a limit.

import "./confirm.js";

for (const choice of document.querySelectorAll("select[data-limit]")) {
  const number = document.getElementById(choice.dataset.limit);
  const show = () => {
    const limited = choice.value === "limit";
    number.closest("[data-number]").hidden = !limited;
    number.disabled = !limited;
    number.required = limited;
  };
  choice.addEventListener("change", () => {
    show();
    if (choice.value === "limit") number.focus();
  });
  show();
}
