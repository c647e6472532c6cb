"use strict";
// Keeps the parts of the page that say so current. Without it, they are as of when
// the page was loaded.
for (const part of document.querySelectorAll("[data-live]")) {
  const refresh = async () => {
    try {
      const answer = document.hidden ? null : await fetch(part.dataset.live);
      if (answer && answer.ok) {
        const text = await answer.text();
        // Nobody's button is taken from under their hand.
        if (text !== part.dataset.shown && !part.contains(document.activeElement)) {
          part.innerHTML = text;
          part.dataset.shown = text;
        }
      }
    } catch {
      // The demo has been stopped; it may start again.
    }
    setTimeout(refresh, 1000);
  };
  setTimeout(refresh, 1000);
}
