// Turns the output of a program into the text that a terminal would show in the end.

const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
const UNFINISHED = /(?:\r|\x1b[^\n]{0,200})$/;
const MOST = 400_000; // characters kept; older lines are in the download

export class LogText {
  text = "";
  cut = false;
  #rest = "";

  get empty() {
    return this.text === "" && this.#rest === "";
  }

  add(output) {
    const whole = this.#rest + output;
    this.#rest = whole.replace(ESCAPES, "").match(UNFINISHED)?.[0] ?? "";
    const plain = whole.slice(0, whole.length - this.#rest.length).replace(ESCAPES, "");
    this.text += plain.replace(/\r+\n/g, "\n");
    this.#overwrite();
    this.#trim();
  }

  // A carriage return starts the line anew: progress bars leave their last state only.
  #overwrite() {
    if (this.text.includes("\r")) this.text = this.text.replace(/^.*\r/gm, "");
  }

  #trim() {
    if (this.text.length <= MOST) return;
    const start = this.text.indexOf("\n", this.text.length - MOST * 0.8) + 1;
    this.text = this.text.slice(start || this.text.length - MOST);
    this.cut = true;
  }
}
