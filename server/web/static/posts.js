// Calendars, queues and what their forms need: the reader's time zone, dragging, the arrow keys of the week.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // The server writes days and times by the reader's clock. Where it does not know the zone yet, the page is asked for once more.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split("; ").includes("zone=" + encodeURIComponent(zone))) {
    document.cookie = `zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
    const shown = $("[data-zone]");
    if (shown && shown.dataset.zone !== zone && document.cookie.includes("zone=")) location.reload();
  }

  document.addEventListener("DOMContentLoaded", () => {
    all("[data-zones]").forEach((list) => {
      const zones = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
      list.append(...zones.map((name) => new Option(name, name)));
    });
    all("[data-unless]").forEach((part) => {
      const field = $(`[name="${part.dataset.unless}"]`);
      const show = () => { part.hidden = field.value !== ""; };
      field.addEventListener("change", show);
      show();
    });
  });
  document.addEventListener("change", (event) => {
    if (event.target.dataset.submit !== undefined) event.target.form.requestSubmit();
  });

  // --- dragging -------------------------------------------------------------------------------------------------------------------------------
  let dragged = null;
  const movable = '.entry[draggable="true"], .waiting[draggable="true"]';

  // place is what a post can be dropped on: a free slot or another post of its queue, or else a day.
  function place(target) {
    if (!dragged) return null;
    const same = (element) => element && element !== dragged && element.dataset.queue === dragged.dataset.queue;
    const slot = target.closest(".entry.free");
    if (dragged.dataset.moves === "slot" && same(slot)) return slot;
    const other = target.closest('.entry[data-moves="slot"]');
    if (dragged.dataset.moves === "slot" && same(other)) return other;
    if (dragged.classList.contains("entry")) return target.closest("[data-drop]");
    const waiting = target.closest(".waiting");
    if (waiting && waiting !== dragged) return waiting;
    const turn = target.closest(".turn-posts");
    return turn && turn.dataset.room !== "0" ? turn : null;
  }
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest ? event.target.closest(movable) : null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.id);
    dragged.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    const over = place(event.target);
    all(".target[data-slot], .target[data-id], .target[data-drop]").forEach((element) => element !== over && element.classList.remove("target"));
    if (!over) return;
    event.preventDefault();
    over.classList.add("target");
  });
  document.addEventListener("dragend", () => {
    all(".target[data-slot], .target[data-id], .target[data-drop]").forEach((element) => element.classList.remove("target"));
    if (dragged) dragged.classList.remove("dragged");
    dragged = null;
  });
  document.addEventListener("drop", (event) => {
    const on = place(event.target);
    if (!on) return;
    event.preventDefault();
    const id = dragged.dataset.id;
    if (dragged.classList.contains("waiting") && on.classList.contains("waiting")) return reorder(dragged, on);
    if (on.dataset.slot) return move(id, "slot " + on.dataset.slot);
    if (on.dataset.id) return move(id, "post " + on.dataset.id);
    if (on.dataset.date === dragged.closest("[data-date]").dataset.date) return;
    if (dragged.dataset.moves === "slot") location.href = `/app/posts/${id}/move?date=${on.dataset.date}`;
    else move(id, "day " + on.dataset.date);
  });
  const fresh = () => all("#calendar, #slots").forEach((part) => part.dispatchEvent(new CustomEvent("live")));
  function move(id, to) {
    htmx.ajax("POST", `/app/posts/${id}/move`, { values: { to }, swap: "none" }).then(fresh, fresh);
  }
  // reorder puts a post before or behind another; all between them move by one place.
  function reorder(post, on) {
    const ids = all("#slots .waiting").map((element) => element.dataset.id);
    const from = ids.indexOf(post.dataset.id);
    const to = ids.indexOf(on.dataset.id);
    ids.splice(to, 0, ids.splice(from, 1)[0]);
    const order = ids.slice(Math.min(from, to), Math.max(from, to) + 1).join(" ");
    htmx.ajax("POST", $("#slots").dataset.order, { values: { order }, swap: "none" }).then(fresh, fresh);
  }

  // --- the week's grid ------------------------------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    const grid = event.target.closest && event.target.closest("[data-grid]");
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!grid || !step || event.target.type !== "checkbox") return;
    const rows = all("tbody tr", grid).map((row) => all('input[type="checkbox"]', row));
    const y = rows.findIndex((row) => row.includes(event.target));
    const next = (rows[y + step[0]] || [])[rows[y].indexOf(event.target) + step[1]];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
})();
