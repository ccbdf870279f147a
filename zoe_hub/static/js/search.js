// Filters the gallery as one types, as the server would (zoe_hub/portal/presenters/gallery.py), and
// keeps the address right, so that it can be sent to somebody.

const form = document.getElementById("search");

export function filterWhileTyping() {
  if (!form) return;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  document.getElementById("show-all").addEventListener("click", (event) => {
    event.preventDefault();
    form.elements.q.value = "";
    const all = form.querySelector('[name="category"]');
    if (all) all.checked = true;
    show();
    form.elements.q.focus();
  });
  addEventListener("pageshow", show); // the browser may have filled the form in by itself
}

function show() {
  const data = new FormData(form);
  const text = data.get("q").trim();
  const category = data.get("category") ?? "";
  const words = text.toLowerCase().split(/\s+/);
  let found = 0;
  for (const shelf of document.querySelectorAll("[data-shelf]")) {
    const here = !category || shelf.dataset.shelf === category;
    let shown = 0;
    for (const card of shelf.querySelectorAll("[data-text]")) {
      card.hidden = !here || !words.every((word) => card.dataset.text.includes(word));
      if (!card.hidden) shown += 1;
    }
    shelf.hidden = shown === 0;
    found += shown;
  }
  document.getElementById("nothing").hidden = found !== 0;
  document.getElementById("found").textContent = text || category ? `${found} found` : "";
  keepAddress(text, category);
}

function keepAddress(text, category) {
  const address = new URL(location.href);
  for (const [name, value] of [["q", text], ["category", category]]) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  if (address.href !== location.href) history.replaceState(null, "", address);
}
