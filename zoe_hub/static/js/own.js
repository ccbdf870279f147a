// The form for own descriptions: a file is read into the text, and what is typed is checked.

import { answerBeforeTheClick } from "./estimate.js";
import { keepLive } from "./live.js";

const text = document.getElementById("description");
const file = document.getElementById("file");

file.addEventListener("change", async () => {
  const [chosen] = file.files;
  if (!chosen) return;
  text.value = await chosen.text();
  file.value = ""; // from here on the text counts
  text.dispatchEvent(new Event("input", { bubbles: true }));
});

keepLive();
answerBeforeTheClick();
