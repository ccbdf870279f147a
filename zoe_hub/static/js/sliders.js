// Sliders beside number fields: either moves the other. Without this script there are numbers only.

export function moveSliders() {
  for (const slider of document.querySelectorAll("[data-moves]")) {
    const field = document.getElementById(slider.dataset.moves);
    slider.hidden = false;
    follow(slider, field);
    slider.addEventListener("input", () => {
      field.value = slider.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    field.addEventListener("input", (event) => {
      if (event.isTrusted) follow(slider, field);
    });
  }
}

function follow(slider, field) {
  if (field.value) slider.value = field.value;
}
