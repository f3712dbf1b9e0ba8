// What is typed into the form of an article is kept in this tab until it has been saved, so that a
// server that does not answer, or a session that has ended, costs nobody a text.

const SENT = "draft-sent"; // the key of the draft whose form was sent last
const template = document.getElementById("draft"); // on the page of a form that can be saved
const key = `draft:${template?.dataset.editor}:${location.pathname}`;

function stored(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

function store(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    // Forbidden or full: then the text is as safe as without this file.
  }
}

function read(name) {
  return JSON.parse(stored(name) ?? "null");
}

// Django's answer to a saved article, on the list or on a form, names its title; other messages of
// success, as after publishing many, do not.
const title = read(stored(SENT))?.title.trim();
if (title) {
  const messages = [...document.querySelectorAll(".messagelist .success")];
  if (messages.some(({ textContent }) => textContent.includes(title))) {
    store(stored(SENT), null);
    store(SENT, null);
  }
}

const form = document.getElementById("article_form");

function typed() {
  const fields = Object.fromEntries(new FormData(form));
  delete fields.csrfmiddlewaretoken;
  return fields;
}

function isInForm(draft) {
  const { opened_version: _draft, ...before } = draft;
  const { opened_version: _form, ...now } = typed();
  return Object.entries(before).every(([name, value]) => now[name] === value);
}

function putBack(draft) {
  for (const [name, value] of Object.entries(draft)) {
    const field = form.elements[name];
    if (!field || field.value === value) continue;
    field.value = value;
    for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
  }
}

function offer(draft) {
  const notice = template.content.firstElementChild.cloneNode(true);
  notice.addEventListener("click", ({ target }) => {
    if (!target.matches("button")) return;
    if (target.matches("[data-put-back]")) putBack(draft);
    else store(key, null);
    notice.remove();
    form.elements.title.focus();
  });
  form.before(notice);
  return notice;
}

if (form && template) {
  const draft = read(key);
  const notice = draft && !isInForm(draft) ? offer(draft) : null;
  const keep = () => {
    // Only one text is kept. As long as the editor has not said what shall become of the older one,
    // it is that.
    if (!notice?.isConnected) store(key, JSON.stringify(typed()));
  };
  if (draft && !notice) keep();
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("submit", () => {
    keep();
    store(SENT, notice?.isConnected ? null : key);
  });
}
