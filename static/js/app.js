// Keyboard and dialog niceties, and what htmx leaves to the page. Every page works without this file.
"use strict";

(() => {
  const dialog = document.getElementById("dialog");
  const messages = document.getElementById("messages");

  // ---- Words for a person when no page could say them -------------------------------------------------------------

  const tell = (text) => {
    document.querySelectorAll("[data-problem]").forEach((old) => old.remove());
    const notice = document.createElement("p");
    notice.className = "notice notice--danger";
    notice.setAttribute("role", "alert");
    notice.dataset.problem = "";
    notice.textContent = text;
    // Behind an open dialog the page is inert: the words go where they can be read.
    (dialog?.open ? dialog.querySelector(".decision-body") ?? dialog : messages)?.prepend(notice);
    notice.scrollIntoView({ block: "nearest" });
  };

  // ---- What is typed into a dialog: counted, and kept by the server while it grows ---------------------------------

  const unsent = new Map(); // by address: what has not reached the server
  let typedIn; // the form with words that nobody has kept yet
  let pause;

  const keep = () => {
    clearTimeout(pause);
    if (!typedIn) return;
    const form = typedIn;
    const action = new URL(form.getAttribute("action") ?? "", location).href; // a field may be called action
    const body = new URLSearchParams(new FormData(typedIn));
    body.set("keep", "1");
    typedIn = null;
    unsent.set(action, body);
    // Where the session has ended, the answer leads to sign-in: kept it is all the same.
    const keepalive = body.toString().length < 60_000; // browsers refuse more
    fetch(action, { method: "POST", body, keepalive, redirect: "manual" }).then(
      ({ status }) => { if (status < 500 && unsent.get(action) === body) unsent.delete(action); },
      () => { if (unsent.get(action) === body) typedIn ??= form; }, // later; said when the decision is sent
    );
  };

  const count = (area) => {
    const limit = Number(area.dataset.limit);
    const length = [...area.value.trim()].length;
    const over = length - limit;
    if (!area.nextElementSibling?.matches(".field-count")) {
      area.insertAdjacentHTML("afterend", '<p class="field-count" aria-live="polite"></p>');
    }
    const words = [`${length.toLocaleString("en-US")} of ${limit.toLocaleString("en-US")}`];
    if (over > 0) words.push(`${over.toLocaleString("en-US")} too many`);
    area.nextElementSibling.textContent = length < limit * 0.8 ? "" : words.join(": ");
    area.nextElementSibling.classList.toggle("field-count--over", over > 0);
  };

  document.addEventListener("input", ({ target }) => {
    const isCounted = target.matches("textarea[data-limit]");
    if (!isCounted && !target.form?.matches("[data-guard]")) return;
    clearTimeout(pause);
    if (target.form.elements.draft) typedIn = target.form;
    pause = setTimeout(() => { if (isCounted) count(target); keep(); }, 500); // not at each key: it is read out
  });

  // A kept reason goes into the box, in the place of another kept one; what was typed stays above it.
  document.addEventListener("change", ({ target }) => {
    const area = target.form?.elements[target.dataset.fills];
    if (!area) return;
    const kept = [...target.options].map(({ value }) => value).sort((a, b) => b.length - a.length);
    const former = kept.find((each) => `\n${area.value}`.endsWith(`\n${each}`)) ?? "";
    const typed = area.value.slice(0, area.value.length - former.length).trimEnd();
    area.value = [typed, target.value].filter(Boolean).join("\n");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });

  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (target !== typedIn || defaultPrevented) return;
    clearTimeout(pause); // what is sent is kept by that
    if (!target.hasAttribute("hx-post")) typedIn = null;
  });

  // Early enough to be there when the page is loaded again.
  ["beforeunload", "pagehide", "online"].forEach((moment) => window.addEventListener(moment, keep));

  // ---- htmx -------------------------------------------------------------------------------------------------------

  // What asks by itself asks again soon: one lost answer is nobody's trouble.
  const isCheck = (ctx) => ctx.sourceElement.id === "issues"; // of a form, while somebody types
  const isPoll = (ctx) => ctx.sourceEvent?.type === "every" || isCheck(ctx);
  const isDecision = (ctx) => ctx.sourceElement.matches("form.decision");
  const PRESS_AGAIN = "What you typed is still here, and nothing is decided twice: press the button again.";

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id !== "rows") return; // it asks which of its rows are others by now
    document.querySelectorAll("#rows [data-shown]").forEach(({ id, dataset }) => {
      ctx.request.body.append("row", `${id.replace("state-", "")}.${dataset.shown}`);
    });
  });

  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (!isPoll(ctx)) return;
    if (document.hidden) event.preventDefault();
    ctx.request.headers["X-Poll"] = "true"; // what nobody did keeps no session alive
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    // The session or a right has ended while somebody types: they learn it when they press, and come back to the dialog.
    if (isPoll(ctx) && (isCheck(ctx) || dialog?.open) && (ctx.hx.redirect || !ctx.response.raw.ok)) {
      event.preventDefault();
      return;
    }
    if (ctx.response.status < 500 && isDecision(ctx)) {
      typedIn = null;
      unsent.delete(ctx.sourceElement.action);
    }
    if (ctx.response.status >= 500 || !/^\s*<!doctype/i.test(ctx.text)) return;
    if (/<body[^>]*\bentrance\b/.test(ctx.text)) {
      event.preventDefault(); // the session has ended: sign in, and come back to this page
      location.reload();
      return;
    }
    if (ctx.select) return; // it wants only a part of the page
    // A whole page came where a piece was asked for (a redirect after a decision, or an error page): show its content.
    dialog?.close();
    dialog?.replaceChildren(); // at once: "close" comes later, and what is left would open the dialog again
    Object.assign(ctx, { target: "#main", select: "#main > *", swap: "innerHTML show:top" });
    if (ctx.response.raw.redirected) {
      const here = new URL(ctx.response.raw.url).pathname === location.pathname;
      Object.assign(ctx, here ? { replace: "true" } : { push: "true" });
    }
  });

  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status >= 500 && !isPoll(event.detail.ctx)) {
      const remedy = "Reload the page to see whether it went through.";
      tell(`The server could not finish this. ${isDecision(event.detail.ctx) ? PRESS_AGAIN : remedy}`);
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (!event.detail.ctx || isPoll(event.detail.ctx)) return;
    const remedy = "Then reload the page to see the current status.";
    tell(`The server could not be reached. Check your connection. ${isDecision(event.detail.ctx) ? PRESS_AGAIN : remedy}`);
  });

  // ---- The dialog: a fragment that lands in it opens it, an empty answer closes it ---------------------------------

  let openedFrom; // the row, by its id: a decision puts a new row in the place of the old one
  let openedAt = 0; // where it stood
  const listRows = () => [...document.querySelectorAll("#rows tr[id]")];
  const rowLink = (row) => row?.querySelector("th a, a, button");
  const awaits = (but) => (row) => row.id !== but && row.querySelector("[data-key=a]");
  let focused; // the row that has the focus, whose button may be gone after a swap

  document.addEventListener("htmx:before:swap", () => { focused = document.activeElement?.closest("#rows tr[id]"); });

  document.addEventListener("htmx:after:swap", () => {
    document.querySelectorAll("[data-issue]").forEach((control) => control.removeAttribute("data-issue"));
    document.querySelectorAll("#issues a").forEach((link) => {
      // A line's names have its place, its ids don't: lines may have been moved.
      const named = document.querySelector(`#entry [name="${link.hash.slice("#id_".length)}"]:not([type=hidden])`);
      const control = named ?? document.getElementById(link.hash.slice(1));
      if (!control) return;
      link.hash = control.id;
      control.setAttribute("data-issue", link.closest("li").dataset.severity);
    });
  });

  document.addEventListener("htmx:after:swap", (event) => {
    if (document.activeElement === document.body) rowLink(focused)?.focus({ preventScroll: true });
    if (!dialog) return;
    const filled = dialog.childElementCount > 0;
    const texts = dialog.querySelectorAll("textarea[data-limit]");
    if (filled && !dialog.open) {
      openedFrom = document.activeElement?.closest("tr[id]")?.id;
      openedAt = Math.max(0, listRows().findIndex((row) => row.id === openedFrom));
      dialog.showModal();
      texts.forEach((area) => { area.value = unsent.get(area.form?.action)?.get(area.name) ?? area.value; });
    }
    texts.forEach(count);
    if (!filled && dialog.open) dialog.close();
    const { ctx } = event.detail;
    if (filled && !isPoll(ctx) && !ctx.select) dialog.querySelector(".error-summary")?.focus();
  });

  dialog?.addEventListener("close", () => {
    keep();
    const decided = !dialog.childElementCount; // else it was only put away
    dialog.replaceChildren();
    const rows = listRows();
    const row = document.getElementById(openedFrom ?? "");
    // A decision goes on to the next row that waits for one, below, or else from the top; the row may be gone by now.
    const next = decided && (rows.slice(openedAt).find(awaits(openedFrom)) ?? rows.find(awaits(openedFrom)));
    if (document.activeElement !== document.body && !next) return;
    (rowLink(next || row) || document.getElementById("main"))?.focus({ preventScroll: !next });
  });

  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-close-dialog]");
    if (closer && dialog?.open && dialog.contains(closer)) {
      event.preventDefault();
      dialog.close();
    }
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // ---- Keyboard ---------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (key === "Escape") {
      const menu = target.closest?.("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    } else if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      // From anywhere in a dialog, or a page of many, the button that says so; in a text area also one that does not.
      const place = dialog?.open ? dialog : document.getElementById("main");
      const form = target.form ?? target.closest?.("form") ?? place?.querySelector('[aria-keyshortcuts="Control+Enter"]')?.form;
      const says = form?.querySelector('[aria-keyshortcuts="Control+Enter"]');
      const written = target.matches("textarea") && (form?.querySelector(".decision-foot [type=submit]:not([name])") ?? form?.querySelector("[type=submit]"));
      if (!says && !written) return;
      event.preventDefault();
      form.requestSubmit(says ?? written);
    } else if (key === "Enter" && target.matches(".grid input") && !event.ctrlKey) {
      event.preventDefault(); // in a grid, Enter goes down a line, as in a spreadsheet
      const below = target.closest("tr").nextElementSibling?.querySelector(`[name$="${target.name.split("-").pop()}"]`);
      (below ?? target.form.querySelector("[data-add-line]"))?.focus();
    } else if ((key === "ArrowDown" || key === "ArrowUp") && target.matches(".table tbody :is(a, button)")) {
      const step = key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling";
      const place = [...target.closest("tr").querySelectorAll("a, button")].indexOf(target);
      const row = target.closest("tr")[step];
      const next = row && [...row.querySelectorAll("a, button")].at(place);
      if (next) {
        event.preventDefault();
        next.focus();
      }
    }
  });

  // ---- Single keys on a list, until they are switched off (WCAG 2.1.4) ----------------------------------------------

  const help = document.getElementById("keys");
  const areOn = () => localStorage.getItem("keys") !== "off";
  const step = (by) => {
    const rows = listRows();
    const at = rows.indexOf(document.activeElement?.closest("#rows tr[id]"));
    rowLink(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)])?.focus();
  };
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    o: (row) => rowLink(row)?.click(),
    x: (row) => row?.querySelector("[name=id]")?.click(),
    "?": () => help?.showModal(),
  };

  help?.addEventListener("change", ({ target }) => localStorage.setItem("keys", target.checked ? "on" : "off"));
  document.querySelectorAll("[data-show-keys]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => help?.showModal());
  });
  if (help) help.querySelector("input").checked = areOn();

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const isTyping = target.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (!help || isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!areOn()) return;
    const row = target.closest?.("#rows tr[id]") ?? listRows().find(awaits()) ?? listRows()[0];
    // What a key presses says so itself: in the row, or else on the page.
    const pressed = row?.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? document.querySelector(`:not(#rows *)[data-key="${CSS.escape(key)}"]`);
    if (!pressed && !KEYS[key]) return;
    event.preventDefault();
    if (!pressed) KEYS[key](row);
    else if (pressed.matches("[type=search]")) pressed.focus();
    else {
      if (row?.contains(pressed)) rowLink(row)?.focus();
      pressed.click();
    }
  });

  document.querySelectorAll("[data-select-all]").forEach((box) => {
    box.addEventListener("change", () => {
      document.querySelectorAll("#rows [name=id]").forEach((each) => { each.checked = box.checked; });
    });
  });

  // ---- The Schedule of Values: add a line, amount of a line, running total ----------------------------------------

  const PLACES = 6; // as many as a quantity or unit cost may have; amounts stay exact integers, never floats
  const scaled = (text) => {
    // As the server reads it: "12,5" is refused there, and is no 125 here; what is in parentheses is negative.
    const match = /^\s*(?:\$\s*)?([-(]?)\s*(?:\$\s*)?(\d{1,3}(?:,\d{3})+|\d{1,3}(?:\s\d{3})+|\d*)(?:\.(\d{0,6}?)0*)?\s*([-)]?)\s*$/.exec(text);
    if (!match || !/\d/.test(text) || !["", "-", "()"].includes(match[1] + match[4])) return null;
    const digits = BigInt((match[2].replace(/[,\s]/g, "") || "0") + (match[3] ?? "").padEnd(PLACES, "0"));
    return match[1] || match[4] ? -digits : digits;
  };
  const cents = (value, places) => {
    const unit = 10n ** BigInt(places - 2);
    const size = value < 0n ? -value : value;
    const rounded = (size + unit / 2n) / unit; // half up, as the server rounds
    return value < 0n ? -rounded : rounded;
  };
  const money = (value, group = "") => {
    const digits = (value < 0n ? -value : value).toString().padStart(3, "0");
    return (value < 0n ? "-" : "") + digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, group) + "." + digits.slice(-2);
  };
  const toCents = (text) => cents(scaled(text ?? "") ?? 0n, PLACES);
  const multiply = (...texts) => {
    const [quantity, price] = texts.map((text) => scaled(text ?? ""));
    return quantity === null || price === null ? "" : money(cents(quantity * price, 2 * PLACES), ",");
  };

  // A column of a spreadsheet, by its heading (letters only) or else by what half of its cells are.
  const HEADINGS = {
    cost_code: /^(cost|phase)?code$|^phase$/, cost_type: /^(cost)?type$/, billing_item: /^(billing|bid|pay|line)?item(no|number)?$/,
    description: /^(item)?description(ofwork)?$/, quantity: /^(contract|estimated|est|bid)?(qty|quantity)$/, unit_of_measure: /^(units?|um|uom|unitofmeasure)$/,
    unit_cost: /^unit(cost|price|rate)$|^rate$/, amount: /^(total|extended)?(amount|price)$|^(line)?total$|^exten(ded|sion)$|^scheduledvalue$/,
  };
  const SHAPES = { cost_code: /^\d[\w.-]*$/, billing_item: /^(?=.*\d)\S{1,20}$/, description: /./, unit_of_measure: /^.{1,10}$/ };
  const DECIMALS = { quantity: 4, unit_cost: 6, amount: 2 };
  const LIMITS = { billing_item: 20, description: 255, unit_of_measure: 10 };
  const write = (name, text, group = ",") => { // a figure as the server shows it; anything else as it is
    const value = name in DECIMALS ? scaled(text) : null;
    if (value === null) return text;
    const [, sign, whole, decimals] = /^(-?)(\d+)(\d{6})$/.exec(value.toString().replace(/\d+/, (digits) => digits.padStart(PLACES + 1, "0")));
    const rest = decimals.replace(/0+$/, "").padEnd(name === "quantity" ? 0 : 2, "0");
    return sign + whole.replace(/\B(?=(\d{3})+$)/g, group) + (rest && `.${rest}`);
  };
  const fieldOf = (heading) => Object.keys(HEADINGS).find((name) => HEADINGS[name].test(heading.toLowerCase().replace(/[^a-z]/g, ""))) ?? "";
  const isHeadings = (texts) => [2, texts.filter(Boolean).length].includes(Math.min(2, texts.filter(fieldOf).length));
  const parseSheet = (text) => {
    const rows = [[]];
    // A cell with tabs, line breaks or quotation marks in it stands in quotation marks.
    for (const [, quoted, plain, end] of text.replace(/[\r\n]+$/, "").matchAll(/(?:"([^"]*(?:""[^"]*)*)"|([^\t\r\n]*))(\t|\r\n?|\n|$)/g)) {
      rows.at(-1).push((quoted?.replaceAll('""', '"') ?? plain).replace(/\s+/g, " ").trim());
      if (!end) break;
      if (end !== "\t") rows.push([]);
    }
    return rows;
  };
  const build = (tag, text, className = "") => Object.assign(document.createElement(tag), { textContent: text, className });
  const plural = (number, one, many = `${one}s`) => `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;

  document.querySelectorAll("[data-line-grid]").forEach((grid) => {
    const controls = new WeakMap(); // of each row by their names: looked for once, as a sum asks all of them
    const controlsOf = (row) => {
      if (!controls.has(row)) {
        controls.set(row, Object.fromEntries([...row.querySelectorAll("[name]")].map((each) => [each.name.split("-").at(-1), each])));
      }
      return controls.get(row);
    };
    const field = (row, name) => controlsOf(row)[name];
    const rows = () => [...grid.querySelectorAll("tbody tr")];
    const count = field(grid, "TOTAL_FORMS");
    const blank = grid.querySelector("template[data-blank-line]");
    const labels = Object.fromEntries([...blank.content.querySelectorAll("[data-field]")].map(({ dataset }) => [dataset.field, dataset.label]));
    const names = Object.keys(labels);
    const isBlank = (row) => !field(row, "DELETE").checked && ["line_id", ...names].every((name) => !field(row, name).value.trim());
    const listUsed = () => rows().filter((row) => !field(row, "DELETE").checked && !isBlank(row));
    const [undo, copy, said] = ["undo", "copy-lines", "said"].map((name) => grid.querySelector(`[data-${name}]`));
    let serial = Number(count.value); // of a line's ids; its names have its number, by which the server sorts

    let sum;
    const worth = new WeakMap(); // of each row, in cents: a key changes that of one
    const total = (changed) => {
      sum = changed ? sum - (worth.get(changed) ?? 0n) : 0n;
      (changed ? [changed] : rows()).forEach((row) => {
        worth.set(row, field(row, "DELETE").checked ? 0n : toCents(field(row, "amount").value));
        sum += worth.get(row);
      });
      grid.querySelector("[data-total]").textContent = money(sum, ",");
    };

    const productOf = (row) => multiply(field(row, "quantity").value, field(row, "unit_cost").value);
    const isProduct = (row) => !field(row, "amount").value.trim() || money(toCents(field(row, "amount").value), ",") === productOf(row);
    const hint = (row) => {
      row.querySelector("output")?.remove();
      if (productOf(row) && !isProduct(row)) field(row, "amount").after(build("output", `Quantity times unit cost is ${productOf(row)}`, "sub"));
    };
    let follows; // the amount is what quantity times unit cost was before one of them is changed
    const isFactor = ({ name }) => /-(quantity|unit_cost)$/.test(name);
    grid.addEventListener("focusin", ({ target }) => { if (isFactor(target)) follows = isProduct(target.closest("tr")); });

    grid.addEventListener("input", ({ target }) => {
      const row = target.closest("tbody tr");
      if (isFactor(target) && follows && productOf(row)) field(row, "amount").value = productOf(row);
      if (row) hint(row);
      total(row);
    });

    const buildRow = () => {
      const row = blank.content.querySelector("tr").cloneNode(true);
      Object.entries(controlsOf(row)).forEach(([name, each]) => { each.id = `id_lines-${serial}-${name}`; });
      serial += 1;
      return row;
    };
    const settle = (changed) => {
      rows().forEach((row, index) => Object.entries(controlsOf(row)).forEach(([name, each]) => {
        const placed = `lines-${index}-${name}`;
        if (each.name !== placed) each.name = placed;
      }));
      count.value = rows().length;
      changed.forEach(hint);
      if (changed.length) count.dispatchEvent(new Event("input", { bubbles: true })); // added up, and kept
    };

    grid.querySelector("[data-add-line]").addEventListener("click", (event) => {
      event.preventDefault(); // without this script the button asks the server for one more line
      const row = buildRow();
      grid.querySelector("tbody").append(row);
      settle([]);
      row.querySelector("input:not([type=hidden]), select")?.focus();
    });

    // What is done to whole lines, by keys, by buttons that act on the line with the focus, and by dragging its number.
    const done = []; // the last can be undone, and then the one before
    const remember = (words, revert) => {
      said.textContent = words;
      done.push(revert);
      undo.hidden = false;
    };
    const placeOf = (row) => `Line ${row.sectionRowIndex + 1}`;
    const put = (row, where, source) => {
      const added = buildRow();
      if (source) names.forEach((name) => { field(added, name).value = field(source, name).value; });
      row[where](added);
      settle([added]);
      remember(`${placeOf(added)} ${source ? "is a duplicate" : "is new"}.`, () => added.remove());
      return added;
    };
    const move = (row, other, where) => {
      const [former, body, next] = [placeOf(row), row.parentNode, row.nextSibling];
      if (!other || other === row) return;
      other[where](row);
      settle([row]);
      remember(`${former} is now ${placeOf(row).toLowerCase()}.`, () => body.insertBefore(row, next));
    };
    const fill = (row, control) => {
      const name = control.closest("td").dataset.field;
      if (!name || !row.previousElementSibling) return;
      const former = control.value;
      control.value = field(row.previousElementSibling, name).value;
      ["input", "change"].forEach((type) => control.dispatchEvent(new Event(type, { bubbles: true })));
      remember(`${labels[name]} filled down.`, () => { control.value = former; });
    };
    const remove = (row) => {
      const box = field(row, "DELETE");
      box.click();
      remember(`${placeOf(row)} ${box.checked ? "is removed when you save" : "stays"}.`, () => box.click());
    };
    const ACTS = {
      "Alt+Shift+Enter": ["Insert above", (row) => put(row, "before")],
      "Alt+Enter": ["Insert below", (row) => put(row, "after")],
      "Control+Shift+D": ["Duplicate", (row) => put(row, "after", row)],
      "Alt+Shift+ArrowUp": ["Move up", (row) => move(row, row.previousElementSibling, "before")],
      "Alt+Shift+ArrowDown": ["Move down", (row) => move(row, row.nextElementSibling, "after")],
      "Control+D": ["Fill down", fill],
      "Alt+Delete": ["Remove", remove],
    };
    let at; // the control that has the focus, or had it before a button was pressed
    const act = (keys) => {
      const row = at.closest("tr");
      const name = at.closest("td").dataset.field ?? names[0];
      (field(ACTS[keys][1](row, at) ?? row, name) ?? at).focus();
    };
    const tools = grid.querySelector("[data-line-tools]");
    tools.append(build("span"), ...Object.entries(ACTS).map(([keys, [label]]) => {
      const button = Object.assign(build("button", label, "button button--small"), { type: "button" });
      button.setAttribute("aria-keyshortcuts", keys);
      const shown = build("kbd", keys.replace("Control", "Ctrl").replace("ArrowUp", "↑").replace("ArrowDown", "↓"));
      shown.ariaHidden = "true"; // the button says it by itself
      button.append(" ", shown);
      button.addEventListener("click", () => act(keys));
      return button;
    }));
    grid.addEventListener("focusin", ({ target }) => {
      if (!target.closest("tbody td")) return;
      at = target;
      tools.hidden = false;
      tools.firstElementChild.textContent = placeOf(at.closest("tr"));
    });
    grid.addEventListener("keydown", (event) => {
      const { altKey, ctrlKey, metaKey, shiftKey, code, target } = event;
      const keys = [altKey && "Alt", (ctrlKey || metaKey) && "Control", shiftKey && "Shift", code.replace("Key", "")].filter(Boolean).join("+");
      if (keys === "Alt+Z" && done.length) undo.click();
      else if (ACTS[keys] && target.closest("tbody td")) act(keys);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    undo.addEventListener("click", () => {
      done.pop()();
      settle(rows());
      said.textContent = "Undone.";
      undo.hidden = !done.length;
      (at?.isConnected ? at : copy).focus();
    });

    let dragged;
    grid.addEventListener("dragstart", ({ target }) => { dragged = target.closest?.("tbody tr"); });
    grid.addEventListener("dragend", () => { dragged = null; });
    grid.addEventListener("dragover", (event) => { if (dragged && event.target.closest("tbody tr")) event.preventDefault(); });
    grid.addEventListener("drop", (event) => {
      const row = event.target.closest("tbody tr");
      if (!dragged || !row) return;
      event.preventDefault();
      move(dragged, row, row.sectionRowIndex < dragged.sectionRowIndex ? "before" : "after");
    });

    // Lines from a spreadsheet: shown as they were understood, and put into the grid when that is confirmed.
    const codes = new Set([...document.querySelectorAll("#cost-codes option")].flatMap(({ value }) => [value, value.split(" ")[0]]).map((text) => text.toLowerCase()));
    const types = new Map([...field(blank.content, "cost_type").options].filter(({ value }) => value).flatMap(({ text, value }) => (
      [text, text.split(" ")[0], text.slice(text.indexOf(" ") + 1)].map((each) => [each.toLowerCase(), value])
    )));
    // Of a cost code whose open cost types are known, those alone are offered; the only one is chosen.
    const open = new Map([...document.querySelectorAll("#cost-codes option")].filter(({ dataset }) => dataset.types).flatMap(({ value, dataset }) => (
      [value, value.split(" ")[0]].map((each) => [each.toLowerCase(), dataset.types.split(" ")])
    )));
    const offer = (row) => {
      const select = field(row, "cost_type");
      const allowed = open.get(field(row, "cost_code").value.trim().toLowerCase());
      const isOffered = ({ text }) => !allowed || allowed.includes(text.split(" ")[0].toUpperCase());
      const [blankOne, ...options] = select.options;
      options.forEach((each) => { each.hidden = !each.selected && !isOffered(each); });
      if (blankOne.selected && allowed?.length === 1) select.value = options.find(isOffered)?.value ?? "";
    };
    grid.addEventListener("focusin", ({ target }) => { if (target.matches("select")) offer(target.closest("tr")); });
    grid.addEventListener("change", ({ target }) => {
      const name = target.closest("td")?.dataset.field;
      if (name in DECIMALS) target.value = write(name, target.value);
      if (!/-cost_(code|type)$/.test(target.name)) return;
      target.closest("tr").querySelector('[data-field="cost_type"] .tag')?.remove();
      offer(target.closest("tr"));
    });

    const isKnown = { cost_code: (text) => codes.has(text.toLowerCase()), cost_type: (text) => types.has(text.toLowerCase()) };
    const isFigure = (text) => /^[\s$(-]*[\d.][\d,.\s]*[\s)-]*$/.test(text); // understood or not
    const fits = (name, text) => isKnown[name]?.(text) || (isFigure(text) ? name in DECIMALS : SHAPES[name]?.test(text));
    const faultOf = (name, text) => {
      if (text?.length > LIMITS[name]) return `Over ${LIMITS[name]} characters`;
      if (!text || !(name in DECIMALS)) return text && isKnown[name]?.(text) === false ? "Not in the list" : "";
      if (scaled(text) === null) return "Not understood";
      return scaled(text) % 10n ** BigInt(PLACES - DECIMALS[name]) ? "Too many decimals" : "";
    };
    const guess = (body, focused) => {
      if (body[0].length === 1) return [focused];
      const found = [];
      body[0].forEach((_, at) => {
        const texts = body.map((each) => each[at]).filter((text) => /\w/.test(text));
        const isIt = (name) => texts.length && texts.filter((text) => fits(name, text) || (!at && name === focused && SHAPES[name]?.test(text))).length * 2 >= texts.length;
        found.push(names.slice(names.indexOf(focused)).find((name) => !found.includes(name) && isIt(name)) ?? "");
      });
      const isLone = found.filter((name) => name in DECIMALS).length === 1 && !(focused in DECIMALS); // then it is the amount
      return found.map((name) => (isLone && name in DECIMALS ? "amount" : name));
    };

    grid.addEventListener("paste", (event) => {
      const start = event.target.closest("tbody tr");
      const cells = parseSheet(event.clipboardData.getData("text/plain"));
      if (!start || cells.flat().length === 1 || !cells.flat().some(Boolean)) return;
      event.preventDefault();
      const width = Math.max(...cells.map((texts) => texts.length));
      const filled = cells.filter((texts) => texts.some(Boolean)).map((texts) => Object.assign(Array(width).fill(""), texts));
      const top = filled.slice(0, 10).findIndex(isHeadings);
      const [head, body] = [filled[top], filled.slice(top + 1)];
      let choices = head
        ? head.map(fieldOf).map((name, at, all) => (all.indexOf(name) === at ? name : ""))
        : guess(body, event.target.closest("td").dataset.field ?? names[0]);
      let lines;
      dialog.replaceChildren(grid.querySelector("template[data-paste]").content.cloneNode(true));
      const [form, table, notes] = ["form", "table", "ul"].map((tag) => dialog.querySelector(tag));

      const show = () => {
        const shown = choices.includes("amount") ? choices : [...choices, "amount"];
        let [sum, part] = [0n, 0n];
        lines = [];
        const heads = shown.map((name, at) => {
          if (at === width) return build("th", labels.amount, "num");
          const th = build("th", head?.[at] || `Column ${at + 1}`);
          const select = document.createElement("select");
          select.append(new Option("Not pasted", ""), ...names.map((each) => new Option(labels[each], each, false, each === name)));
          select.setAttribute("aria-label", `${th.textContent} goes into`);
          select.addEventListener("change", () => {
            choices = choices.map((each, other) => (other === at ? select.value : each === select.value ? "" : each));
            show();
            table.querySelectorAll("select")[at].focus();
          });
          th.append(select);
          return th;
        });
        const trs = body.map((texts, index) => {
          const line = Object.fromEntries(choices.map((name, at) => [name, texts[at]]).filter(([name]) => name));
          line.amount ||= multiply(line.quantity, line.unit_cost);
          const amount = toCents(line.amount);
          const isAlone = width > 1 && texts.filter(Boolean).length === 1;
          const saysTotal = index > 0 && line.amount && (isAlone || texts.some((text) => /\b(sub)?totals?\b/i.test(text)));
          const isTotal = saysTotal && [sum, part].includes(amount);
          if (isTotal) part = 0n; // below a subtotal begins another sum
          else { sum += amount; part += amount; lines.push(line); }
          const tr = document.createElement("tr");
          const first = Object.assign(build("th", isTotal ? "Left out" : lines.length), { scope: "row" });
          if (saysTotal) first.append(" ", isTotal ? build("span", "The sum above", "sub") : build("span", "Not the sum above", "tag tag--amber"));
          tr.append(first, ...shown.map((name, at) => {
            const td = build("td", name ? line[name] : texts[at], `${name in DECIMALS ? "num" : ""} ${name && !isTotal ? "" : "unpasted"}`);
            const fault = !isTotal && faultOf(name, line[name]);
            if (fault) td.append(" ", build("span", fault, "tag tag--red"));
            return td;
          }));
          return tr;
        });
        table.replaceChildren();
        table.createTHead().insertRow().append(build("th", "#"), ...heads);
        table.createTBody().append(...trs);
        const faults = table.querySelectorAll(".tag--red").length;
        const max = Number(field(grid, "MAX_NUM_FORMS").value);
        const isTooMany = listUsed().length + lines.length > max;
        dialog.querySelector("[role=status]").textContent = `${plural(lines.length, "line")}, ${money(sum, ",")} in all`;
        notes.replaceChildren(...[
          top > 0 && `${plural(top, "row")} above the headings left out.`,
          cells.length > filled.length && `${plural(cells.length - filled.length, "blank row")} left out.`,
          body.length > lines.length && `${plural(body.length - lines.length, "row")} left out: the amount is the sum of the rows above.`,
          faults && `${plural(faults, "entry", "entries")} marked. What is marked is inserted as it is written; correct it before you save.`,
          isTooMany && `At most ${max.toLocaleString("en-US")} lines are possible.`,
        ].filter(Boolean).map((text) => build("li", text)));
        form.querySelector("[type=submit]").disabled = isTooMany || !lines.length || !choices.some(Boolean);
      };

      form.addEventListener("submit", () => {
        const added = [];
        let [last, next] = [start, isBlank(start) ? start : start.nextElementSibling];
        const changed = lines.map((line) => {
          const row = next && isBlank(next) ? next : buildRow();
          if (row === next) [last, next] = [row, row.nextElementSibling];
          else added.push(row);
          Object.entries(line).forEach(([name, text]) => {
            const control = field(row, name);
            const key = control.options && types.get(text.toLowerCase());
            if (control.options && text && !key) control.add(new Option(text, text)); // the server refuses it
            control.value = key ?? write(name, text);
          });
          return row;
        });
        last.after(...added);
        settle(changed);
        remember(`${plural(changed.length, "line")} pasted.`, () => {
          added.forEach((row) => row.remove());
          changed.forEach((row) => names.forEach((name) => { field(row, name).value = ""; }));
        });
      });
      show();
      dialog.showModal();
    });

    copy.hidden = false;
    copy.addEventListener("click", () => {
      const lines = listUsed().map((row) => names.map((name) => field(row, name).selectedOptions?.[0].text ?? write(name, field(row, name).value, "")));
      const quote = (text) => (/["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const text = [Object.values(labels), ...lines].map((texts) => texts.map(quote).join("\t")).join("\n");
      (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
        () => { said.textContent = `${plural(lines.length, "line")} copied.`; },
        () => { said.textContent = "The browser doesn't let this page copy. Allow it in the browser's settings for this site."; },
      );
    });

    rows().forEach(hint);
    total();
  });

  // ---- Passkeys: the browser asks its person to unlock one, and what it says goes into the form ----------------------

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey) return;
    event.preventDefault();
    try {
      const ask = async () => (await fetch(form.action, { headers: { Accept: "application/json" } })).json();
      const options = form.dataset.passkey === "ask" ? await ask() : JSON.parse(form.dataset.passkey);
      const { creation_options: made, request_options: asked } = options;
      const passkey = made
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(made.publicKey) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey) });
      form.elements.credential.value = JSON.stringify(passkey);
      form.submit();
    } catch {
      tell("No passkey was used. Try again, or go on without one.");
    }
  });

  // ---- Small courtesies -------------------------------------------------------------------------------------------

  document.querySelectorAll("form[data-guard]").forEach((form) => {
    let changed = false;
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", (event) => {
      changed = !navigator.onLine;
      if (!changed) return;
      event.preventDefault(); // the browser's page that says so would stand in the place of what was typed
      tell("You are offline. What you typed is still here: press the button again when you are connected.");
    });
    window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  });

  document.querySelectorAll("textarea[data-limit]").forEach(count);
  document.querySelector(".error-summary")?.focus();
  document.querySelectorAll(".filters [aria-current], .tabs [aria-current], .site-nav [aria-current]").forEach((link) => {
    const strip = link.closest("ul").scrollWidth > link.closest("ul").clientWidth ? link.closest("ul") : link.closest("nav");
    strip.scrollLeft = link.offsetLeft - strip.offsetLeft - (strip.clientWidth - link.offsetWidth) / 2;
  });
})();
