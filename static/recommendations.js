// Stop and "Try again" beside the cards, what the reader sees when the connection is lost, thumbs.
//
// htmx's SSE extension opens a new connection after every lost one. A new connection cannot go on
// where the old one ended, so this ends it for good: the words so far stay, and the reader decides.

const streams = new WeakMap(); // section -> EventSource

function section(event) {
  return event.target.closest?.("#recommendations");
}

function show(part, name, visible) {
  const control = part.querySelector(`[data-recommendations-${name}]`);
  if (control) control.hidden = !visible;
}

function end(part, sentence) {
  // Without the attribute the extension neither reconnects nor starts again from a restored page.
  part.removeAttribute("sse-connect");
  streams.get(part)?.close();
  streams.delete(part);
  if (sentence) {
    part.querySelector(".recommendations__status").textContent = sentence;
    show(part, "again", true);
  }
  closeCards(part);
  const stop = part.querySelector("[data-recommendations-stop]");
  const focused = stop === document.activeElement;
  show(part, "stop", false);
  if (focused) moveFocus(part);
}

// None says "Being written" any more when an answer has come to its end; when it was cut off, one does.
function closeCards(part) {
  for (const label of part.querySelectorAll(".card__label--writing")) {
    const card = label.closest(".card");
    if (card.querySelector(".card__text").textContent.trim()) {
      label.textContent = part.dataset.cutOff;
      label.className = "card__label card__label--interrupted";
    } else {
      card.remove();
    }
  }
}

// A button that is hidden loses the focus to the page as a whole: it goes to what took its place.
function moveFocus(part) {
  const again = part.querySelector("[data-recommendations-again]:not([hidden])");
  const next = again ?? part.querySelector(".recommendations__heading");
  next.focus({ preventScroll: true });
}

document.addEventListener("htmx:sseOpen", (event) => {
  const part = section(event);
  if (!part) return;
  const { source } = event.detail;
  streams.set(part, source);
  source.addEventListener("done", ({ data }) => show(part, "again", data !== "complete"));
  show(part, "stop", true);
});

document.addEventListener("htmx:sseClose", (event) => {
  const part = section(event);
  if (part) end(part);
});

document.addEventListener("htmx:sseError", (event) => {
  const part = section(event);
  if (part) end(part, part.dataset.lost);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-recommendations-stop]")) return;
  const part = section(event);
  if (part) end(part, part.dataset.stopped);
});

// What htmx keeps for the way back is a page whose answer has come to its end.
document.addEventListener("htmx:beforeHistorySave", () => {
  const part = document.querySelector("#recommendations[sse-connect]");
  if (part) end(part, part.dataset.stopped);
});

// Thumbs. A press says what shall be stored by what the thumb showed to the reader at that moment:
// the one that is stored already is withdrawn. While a request is on its way, the next one waits in
// htmx, and must not be read against what the first one has made of the thumb by then.

const wanted = new WeakMap(); // submit event -> value

document.addEventListener("click", (event) => {
  // A double click is one press, not a vote and its withdrawal.
  if (event.detail > 1 && event.target.closest(".card__vote")) event.preventDefault();
});

document.addEventListener(
  "submit",
  (event) => {
    const { target, submitter } = event;
    if (!target.matches(".card__vote") || !submitter) return;
    const pressed = submitter.getAttribute("aria-pressed") === "true";
    wanted.set(event, pressed ? "0" : submitter.value);
  },
  { capture: true }, // before htmx, which sits on the form
);

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const value = wanted.get(detail.triggeringEvent);
  if (value) detail.parameters.value = value;
});

// A thumb shows what is stored. One that could not be stored just stays as it was.
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!target.matches(".card__vote") || !detail.successful) return;
  const value = detail.requestConfig.formData.get("value");
  for (const button of target.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === value));
  }
});
