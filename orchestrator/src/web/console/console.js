// Keeps the counts fresh. The page works without it; reloading shows the same.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const button = document.getElementById("pause");
  if (!live || !button) return;
  const PERIOD_MS = 2000;
  let paused = false;
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Resume updates" : "Pause updates";
    button.setAttribute("aria-pressed", String(paused));
  });
  const refresh = async () => {
    // Whoever is inside with the keyboard or has marked text is not disturbed.
    const marked = document.getSelection();
    const busy = live.contains(document.activeElement) || (marked && !marked.isCollapsed);
    if (!paused && !busy && !document.hidden) {
      try {
        const answer = await fetch("/live", { cache: "no-store" });
        if (answer.ok) live.innerHTML = await answer.text();
        // The session has ended: the page leads to the login.
        if (answer.status === 401) location.reload();
      } catch {
        // The server has ended or is starting: what was last seen stays.
      }
    }
    setTimeout(refresh, PERIOD_MS);
  };
  setTimeout(refresh, PERIOD_MS);
})();
