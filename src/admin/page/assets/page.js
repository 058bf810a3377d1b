// The status page. It hears from the server which parts changed and puts them in place, leaving
// alone what did not change; and it asks the run API for what a button says. No page needs it to be
// read.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  document.documentElement.classList.add("js");

  // Saying things: to those who see, and to those who listen.

  const announce = (text) => { byId("announcer").textContent = text; };

  const toast = (title, text, bad) => {
    const box = document.createElement("div");
    box.className = bad ? "toast bad" : "toast";
    for (const [name, words] of [["strong", title], ["p", text]]) {
      if (!words) continue;
      const line = document.createElement(name);
      line.textContent = words;
      box.append(line);
    }
    byId("toasts").append(box);
    announce([title, text].filter(Boolean).join(". "));
    setTimeout(() => box.remove(), bad ? 15000 : 6000);
  };

  const connection = (words, lost) => {
    const place = byId("connection");
    if (place.classList.contains("lost") !== lost && !place.hidden) announce(words);
    place.hidden = false;
    place.classList.toggle("lost", lost);
    byId("connection-words").textContent = words;
  };

  // Putting changes in place: what stays the same stays the same element, so that the focus, a
  // selection and an open list survive.

  const keyOf = (node) => (node.nodeType === 1 && node.id ? node.id : null);

  const isSame = (a, b) =>
    a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  const patchAttributes = (from, to) => {
    for (const { name } of [...from.attributes]) {
      const kept = name === "open" && from.nodeName === "DETAILS";
      if (!to.hasAttribute(name) && !kept) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
  };

  const patch = (from, to) => {
    if (from.nodeType !== 1) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    patchAttributes(from, to);
    const keyed = new Map();
    for (const child of from.children) if (child.id) keyed.set(child.id, child);
    let place = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const known = keyed.get(keyOf(wanted));
      if (known && known !== place) from.insertBefore(known, place);
      const there = known || place;
      if (there && isSame(there, wanted)) {
        patch(there, wanted);
        place = there.nextSibling;
      } else {
        from.insertBefore(wanted, place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const change = ({ title, parts }) => {
    document.title = `${title} · extractor`;
    for (const [id, html] of Object.entries(parts)) {
      const there = byId(id);
      const wanted = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
      if (there && wanted) patch(there, document.importNode(wanted, true));
    }
  };

  // Hearing of changes. A browser reconnects by itself after a broken connection, but not after a
  // refusal; so that is done here, after longer and longer pauses.

  const path = document.body.dataset.events;
  let source = null;
  let pause = 2000;
  let again = 0;

  const time = () => new Date().toISOString().slice(11, 19);

  const listen = () => {
    clearTimeout(again);
    if (source) source.close();
    source = new EventSource(path);
    source.addEventListener("open", () => {
      pause = 2000;
      connection("Live", false);
    });
    source.addEventListener("change", (event) => change(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (!byId("connection").classList.contains("lost")) {
        connection(`Disconnected at ${time()}; trying again`, true);
      }
      if (source.readyState === EventSource.CLOSED) {
        again = setTimeout(listen, pause);
        pause = Math.min(pause * 2, 30000);
      }
    });
  };

  if (path) {
    listen();
    // A page that nobody sees leaves its place to others.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        listen();
      } else {
        clearTimeout(again);
        source.close();
      }
    });
    addEventListener("pagehide", () => source.close());
  }

  // Buttons.

  const confirmed = (button) => new Promise((resolve) => {
    const { confirm, confirmText } = button.dataset;
    if (!confirm) return resolve(true);
    const dialog = byId("confirmation");
    byId("confirmation-title").textContent = confirm;
    byId("confirmation-text").textContent = confirmText;
    byId("confirmation-yes").onclick = () => dialog.close("yes");
    byId("confirmation-no").onclick = () => dialog.close("no");
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
    byId("confirmation-no").focus();
  });

  const ask = async (button) => {
    const { post, body, name } = button.dataset;
    const headers = { "Content-Type": "application/json", "X-Requested-With": "extractor" };
    const answer = await fetch(post, { method: "POST", headers, body: body || undefined });
    if (answer.ok) {
      toast(`${name}: asked for`, "It begins as soon as a process is free.", false);
      return;
    }
    if (answer.status === 401) {
      location.assign("/login");
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    const what = (problem.recovery || [])[0];
    const sentence = (text) => text && text[0].toUpperCase() + text.slice(1);
    toast(
      problem.title || `${name} was refused`,
      [sentence(problem.detail), what && `What to do: ${what}`].filter(Boolean).join(". "),
      true,
    );
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    if (!(await confirmed(button))) return;
    button.setAttribute("aria-disabled", "true");
    try {
      await ask(button);
    } catch {
      toast("The service did not answer", "Look whether it still runs, and try again.", true);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
})();
