// The theme switch, "/" for the search box, copy buttons, a focus that is not lost. Everything else
// is HTML or htmx.

// Theme switch

const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
}

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.setAttribute("aria-pressed", String(isDark()));
  }
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  // A choice that is the system's own is no choice: follow the system again.
  const same = (theme === "dark") === prefersDark.matches;
  if (same) delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (same) localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  showTheme();
}

// Copy buttons: on code, added here, and on cards, where the class shows them

function addCopyButtons() {
  if (!navigator.clipboard) return;
  root.classList.add("can-copy");
  const template = document.getElementById("copy-button");
  if (!template) return;
  for (const pre of document.querySelectorAll(".prose pre")) {
    if (pre.parentElement.classList.contains("code")) continue;
    const frame = document.createElement("div");
    frame.className = "code";
    pre.replaceWith(frame);
    frame.append(pre, template.content.cloneNode(true));
  }
}

function textToCopy(button) {
  const card = button.closest(".card");
  if (card) return card.querySelector(".card__title a").href; // the absolute address
  return button.closest(".code").querySelector("pre").innerText;
}

const copying = new WeakSet(); // buttons that say "Copied" right now

async function copy(button) {
  if (copying.has(button)) return;
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(textToCopy(button));
  } catch {
    return;
  }
  copying.add(button);
  label.textContent = button.dataset.copied;
  setTimeout(() => {
    label.textContent = before;
    copying.delete(button);
  }, 2000);
}

// Listeners sit on the document, so that they outlive every swap.

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) switchTheme();
  const copyButton = event.target.closest("[data-copied]");
  if (copyButton) copy(copyButton);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector("input[data-question]");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// A control that its own answer replaced has lost the focus: go on where the new answer begins, and
// show it, as after a filter was chosen in the long panel of a phone.
const beginnings = { "search-page": "results-title", recommendations: "recommendations-heading" };

document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (!(target.id in beginnings) || document.activeElement !== document.body) return;
  const beginning = document.getElementById(beginnings[target.id]);
  beginning?.focus({ preventScroll: true });
  if (beginning?.getBoundingClientRect().top < 0) beginning.scrollIntoView();
});

// What htmx cannot swap in, for want of a connection or because it is an error, the browser loads as
// a page, so that no link is ever dead. Not while the reader is leaving for another one: Firefox then
// calls all requests failed.
let leaving = false;

function leave() {
  leaving = true;
}

document.addEventListener("htmx:beforeRequest", () => {
  leaving = false;
  window.addEventListener("beforeunload", leave);
});
document.addEventListener("htmx:afterRequest", () => {
  window.removeEventListener("beforeunload", leave);
});
for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, ({ detail }) => {
    if (detail.boosted && !leaving) location.assign(detail.pathInfo.finalRequestPath);
  });
}

// Browsers do not scroll to what is in sight by a part, as the next card of a strip is. Only for the
// keyboard: under a pointer nothing may move.
document.addEventListener("focusin", ({ target }) => {
  if (!target.closest(".cards") || !target.matches(":focus-visible")) return;
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// Pages that htmx keeps for the way back are in the language they were loaded in.
document.addEventListener("submit", ({ submitter }) => {
  if (submitter?.name !== "language") return;
  try {
    sessionStorage.removeItem("htmx-history-cache");
  } catch {
    // Storage may be forbidden; then htmx keeps no pages either.
  }
});

document.addEventListener("htmx:historyRestore", showTheme);
prefersDark.addEventListener("change", showTheme);
showTheme();
addCopyButtons();
