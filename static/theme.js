// Sets the reader's choice of theme before the first paint: loaded in <head>, without `defer`.
// Without a choice, or without JavaScript, the system's preference rules.
(() => {
  const root = document.documentElement;
  const apply = () => {
    let theme = null;
    try {
      theme = localStorage.getItem("theme");
    } catch {
      // Storage may be forbidden; then a choice lasts as long as the page.
    }
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  root.classList.add("js");
  apply();
  addEventListener("storage", apply);
})();
