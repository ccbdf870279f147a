// Asks before a form with `data-confirm` is sent; `data-yes` and `data-no` are words for the answers.
// Without this script the form is sent at once.

const dialog = document.getElementById("confirm");
let asking;

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (!dialog || !question || event.target === asking) return;
  event.preventDefault();
  asking = event.target;
  document.getElementById("confirm-question").textContent = question;
  for (const answer of ["yes", "no"]) {
    const button = dialog.querySelector(`button[value="${answer}"]`);
    button.dataset.usual ??= button.textContent;
    button.textContent = event.target.dataset[answer] ?? button.dataset.usual;
  }
  dialog.returnValue = "";
  dialog.showModal();
});

dialog?.addEventListener("close", () => {
  if (dialog.returnValue === "yes") {
    asking = present(asking);
    asking?.requestSubmit();
  }
  asking = undefined;
});

// The page may have been refreshed while the question was open: the form as it is now, if there still
// is one that asks the same. What is in its place may do the opposite at the same address.
function present(form) {
  if (form.isConnected) return form;
  const asks = (each) => `${each.getAttribute("action")} ${each.dataset.confirm}`;
  return [...document.forms].find((each) => asks(each) === asks(form));
}
