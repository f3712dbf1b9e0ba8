// What htmx cannot do alone beside the form of an article.

const preview = document.getElementById("preview");

if (preview) {
  // Django announces a category from its pop-up through jQuery only, which htmx does not hear; and
  // it announces one while the page loads, where nothing was chosen.
  const category = document.getElementById("id_category");
  let chosen = category.value;
  django.jQuery(category).on("change", () => {
    if (category.value === chosen) return;
    chosen = category.value;
    htmx.trigger(preview, "edited");
  });

  // A link in the preview must not take an unsaved text away with it.
  preview.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) link.target = "_blank";
  });

  const show = (name, visible) => {
    const sentence = document.querySelector(`[data-error-for="${name}"]`);
    if (sentence) sentence.hidden = !visible;
  };
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, ({ detail }) => show(detail.target.id, true));
  }
  document.addEventListener("htmx:afterSwap", ({ detail }) => show(detail.target.id, false));
}
