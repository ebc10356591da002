// Runs before the first paint, so that a chosen theme does not flash. A file of its own: the content security policy allows no
// inline scripts. The key is the one in src/settings/settings.ts.
(() => {
  try {
    const chosen = JSON.parse(localStorage.getItem("weir.settings") ?? "{}").theme;
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is blocked or holds something else: the system's theme is used.
  }
})();
