// Keeps live pages fresh. Every page works without it; reloading shows the same.
(() => {
  "use strict";
  const PERIOD_MS = 2000;
  const byId = (id) => document.getElementById(id);

  // On narrow screens the navigation folds away.
  const menu = byId("menu");
  if (menu) {
    const nav = byId("nav");
    document.documentElement.classList.add("scripted");
    menu.hidden = false;
    menu.addEventListener("click", () => {
      const open = nav.classList.toggle("open");
      menu.setAttribute("aria-expanded", String(open));
    });
  }

  // On narrow screens the cells of a row stand below each other: each says what it is.
  const label = (root) => {
    for (const table of root.querySelectorAll("table")) {
      const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
      for (const row of table.tBodies[0].rows) {
        [...row.cells].forEach((cell, at) => { cell.dataset.label = heads[at] || ""; });
      }
    }
  };
  label(document);

  // A panel closes when one goes on elsewhere, or by Escape.
  const panels = "details.preferences, details.confirm";
  document.addEventListener("click", (event) => {
    for (const panel of document.querySelectorAll(panels)) {
      if (!panel.contains(event.target)) panel.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const panel = event.target instanceof Element && event.target.closest(panels);
    if (panel && panel.open) {
      panel.open = false;
      panel.querySelector("summary").focus();
    }
  });

  // A picture that is wider than the screen is shown from its middle, where journeys begin.
  for (const graph of document.querySelectorAll(".graph")) {
    graph.scrollLeft = (graph.scrollWidth - graph.clientWidth) / 2;
  }

  const live = byId("live");
  const button = byId("pause");
  const lost = byId("lost");
  if (!live || !button || !lost) return;
  let paused = false;
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.off : button.dataset.on;
    button.setAttribute("aria-pressed", String(paused));
  });

  const isLost = (yes) => {
    lost.textContent = yes ? lost.dataset.text : "";
    document.documentElement.classList.toggle("lost", yes);
  };
  // Whoever is inside with the keyboard, has marked text or has a panel open is not disturbed.
  const busy = () => {
    const marked = document.getSelection();
    const inside = live.contains(document.activeElement);
    return inside || (marked && !marked.isCollapsed) || live.querySelector("details.confirm[open]");
  };
  // What was opened stays open, what was scrolled stays there.
  const replace = (fresh) => {
    const open = [...live.querySelectorAll("details[id][open]")].map((one) => one.id);
    const scrolled = [...live.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    label(fresh);
    live.replaceChildren(...fresh.childNodes);
    for (const id of open) {
      const details = byId(id);
      if (details) details.open = true;
    }
    live.querySelectorAll(".scroll").forEach((one, at) => { one.scrollLeft = scrolled[at] || 0; });
  };
  const refresh = async () => {
    if (!paused && !document.hidden) {
      try {
        const answer = await fetch(location.href, { cache: "no-store" });
        // The session has ended: the page leads to the login.
        if (answer.redirected) location.reload();
        const text = await answer.text();
        const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
        if (answer.ok && fresh && !busy()) replace(fresh);
        isLost(answer.status >= 500);
      } catch {
        // The server has ended or is starting: what was last seen stays.
        isLost(true);
      }
    }
    setTimeout(refresh, PERIOD_MS);
  };
  setTimeout(refresh, PERIOD_MS);
})();
