// What the server tells the scripts of a page: one JSON block, so that no page needs inline code.

const block = document.getElementById("zoe-config");

export const config = block ? JSON.parse(block.textContent) : {};
