// What is typed into the form of an article is kept in this tab until it has been saved, so that a
// server that does not answer, or a session that has ended, costs nobody a text.

const SENT = "draft-sent"; // the key of the draft whose form was sent last
const editor = document.querySelector("#user-tools strong")?.textContent;
const key = `draft:${editor}:${location.pathname}`;

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

// Django's answer to a saved article, on the list or on a form, names it with a link.
const sent = stored(SENT);
if (sent && document.querySelector('.messagelist .success a[href$="/change/"]')) {
  store(sent, null);
  store(SENT, null);
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
  const notice = document.getElementById("draft").content.firstElementChild.cloneNode(true);
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

if (form) {
  const draft = JSON.parse(stored(key) ?? "null");
  const notice = draft && !isInForm(draft) ? offer(draft) : null;
  const keep = () => {
    if (!notice?.isConnected) store(key, JSON.stringify(typed())); // one text waits for an answer
  };
  if (draft && !notice) keep();
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("submit", () => {
    keep();
    store(SENT, key);
  });
}
