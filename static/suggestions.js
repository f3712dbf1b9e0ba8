// The list of suggestions below a question box: htmx fetches it, this opens it and gives it to the
// keyboard. https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ (list autocomplete, manual selection)
//
// The focus stays in the box. While nothing is highlighted, every key does what it does without a
// list, Enter above all. Listeners sit on the document, so that they outlive every swap.

const asked = new WeakSet(); // boxes whose question was sent: what comes late is not shown

const isBox = (element) => Boolean(element.matches?.("input[data-question]"));
const listOf = (box) => document.getElementById(`${box.id}-suggestions`);
const isOpen = (box) => box.getAttribute("aria-expanded") === "true";

function highlighted(box) {
  return document.getElementById(box.getAttribute("aria-activedescendant"));
}

function highlight(box, option) {
  for (const other of listOf(box).children) {
    other.setAttribute("aria-selected", String(other === option));
  }
  if (option) {
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    box.removeAttribute("aria-activedescendant");
  }
}

function show(box, visible) {
  const list = listOf(box);
  const open = visible && list.children.length > 0;
  highlight(box, null);
  list.hidden = !open;
  box.setAttribute("aria-expanded", String(open));
}

// One step through the options and, between the last and the first, nothing: the reader's own words.
function step(box, by) {
  const options = [...listOf(box).children];
  const places = options.length + 1;
  const place = options.indexOf(highlighted(box)) + 1;
  highlight(box, options[((place + by + places) % places) - 1]);
}

// Without this script the box is an ordinary search field, so only here it becomes a combobox.
document.addEventListener("htmx:load", ({ target }) => {
  for (const box of target.querySelectorAll("input[data-question]")) {
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", listOf(box).id);
    show(box, false);
  }
});

document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (!target.matches(".suggestions")) return;
  const box = document.querySelector(`[aria-controls="${target.id}"]`);
  [...target.children].forEach((option, n) => (option.id = `${target.id}-${n + 1}`));
  show(box, document.activeElement === box && !asked.has(box));
});

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!isBox(box) || event.isComposing) return;
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
      if (!isOpen(box)) show(box, true);
      if (!isOpen(box)) return;
      step(box, event.key === "ArrowDown" ? 1 : -1);
      break;
    case "Enter":
      if (!highlighted(box)) return;
      highlighted(box).click();
      break;
    case "Escape":
      if (!isOpen(box)) return;
      show(box, false);
      break;
    default:
      return;
  }
  event.preventDefault();
});

document.addEventListener("input", ({ target }) => {
  if (!isBox(target)) return;
  asked.delete(target);
  highlight(target, null);
});

document.addEventListener("submit", ({ target }) => {
  const box = target.querySelector("input[data-question]");
  if (!box) return;
  asked.add(box);
  show(box, false);
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isBox(event.target) && asked.has(event.target)) event.preventDefault();
});

document.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (isBox(target) && !listOf(target).contains(relatedTarget)) show(target, false);
});
