"use strict";
(() => {
  const page = document.documentElement;
  page.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const rows = all(".requirement");
  const groups = all(".group");
  const choices = all("[data-show]");
  const search = document.getElementById("search");
  const expand = document.getElementById("expand");
  let outcome = "";

  const words = new Map(rows.map((row) => {
    const parts = all("summary h3, summary .statement", row.firstElementChild);
    return [row, parts.map((part) => part.textContent).join(" ").toLowerCase()];
  }));

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = (outcome !== "" && row.dataset.outcome !== outcome) || !words.get(row).includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    for (const group of groups) {
      group.hidden = all(".requirement:not([hidden])", group).length === 0;
    }
    for (const choice of choices) {
      choice.setAttribute("aria-pressed", String(choice.dataset.show === outcome));
    }
    document.getElementById("nothing").hidden = shown > 0 || rows.length === 0;
    document.getElementById("shown").textContent = `${shown} of ${rows.length} requirements shown`;
  }

  for (const choice of choices) {
    choice.addEventListener("click", () => {
      outcome = choice.dataset.show;
      filter();
    });
  }
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      filter();
    }
  });

  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-pressed") !== "true";
    for (const row of rows) {
      row.firstElementChild.open = open;
    }
    expand.setAttribute("aria-pressed", String(open));
    expand.textContent = open ? "Collapse all" : "Expand all";
  });

  // A link to one requirement opens it, whatever the filter shows.
  function follow() {
    let id = "";
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const row = rows.find((one) => one.id !== "" && one.id === id);
    if (row) {
      outcome = "";
      search.value = "";
      filter();
      row.firstElementChild.open = true;
      row.scrollIntoView();
    }
  }
  addEventListener("hashchange", follow);
  follow();

  // navigator.clipboard is there on https and file only; a selection can be copied anywhere.
  async function copy(code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy");
    }
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (button) {
      const done = await copy(button.parentElement.querySelector("code"));
      button.textContent = done ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    }
  });

  // On paper nothing can be opened: what was not met is printed open, the rest as it is on the screen.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = rows.filter((row) => row.dataset.outcome !== "pass").map((row) => row.firstElementChild);
    opened = opened.filter((details) => !details.open);
    for (const details of opened) {
      details.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened) {
      details.open = false;
    }
  });
})();
