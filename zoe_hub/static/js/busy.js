// Shows that a form was sent, and sends it only once.

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button[data-busy]");
  if (!button || event.defaultPrevented) return;
  button.disabled = true;
  button.dataset.idle = button.textContent;
  button.textContent = button.dataset.busy;
});

// Whoever comes back with the browser's button finds the form as it was.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-idle]")) {
    button.disabled = false;
    button.textContent = button.dataset.idle;
  }
});
