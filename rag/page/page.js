// The panel follows the chat: a citation [n] leads to its words, also of older answers. What the page asks of the
// program beside questions goes through `window.ragAct`, which the component #bridge gives.
(() => {
  document.documentElement.lang = "vi";
  const act = (action) => window.ragAct && window.ragAct(action);
  let origin = null; // what had the focus before the panel took it

  const panel = () => document.querySelector("#passages");
  const narrow = () => matchMedia("(max-width: 860px)").matches;
  const motion = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  function show(id) {
    const target = document.getElementById(id);
    const section = target && target.closest("section.turn");
    if (!section) return;
    for (const other of panel().querySelectorAll("section.turn")) other.parentElement.hidden = other !== section;
    for (const mark of panel().querySelectorAll("mark.active")) mark.classList.remove("active");
    const number = id.startsWith(section.id + "c") ? id.slice(section.id.length) : "";
    const words = number ? section.querySelectorAll("mark." + number) : [];
    for (const mark of words) mark.classList.add("active");
    document.querySelector("#panel").classList.add("open");

    // The passage's title stays in sight where the words fit under it.
    const body = panel().querySelector(".panel-body");
    const top = (element) => element.getBoundingClientRect().top - body.getBoundingClientRect().top + body.scrollTop;
    let to = 0;
    if (words.length) {
      const passage = top(words[0].closest(".passage"));
      const fits = top(words[0]) - passage < body.clientHeight * 0.6;
      to = fits ? passage : top(words[0]) - body.clientHeight / 4;
    }
    body.scrollTo({ top: to, behavior: motion() });
    section.focus({ preventScroll: true });
  }

  function close() {
    document.querySelector("#panel").classList.remove("open");
    if (origin && origin.isConnected) origin.focus({ preventScroll: true });
    origin = null;
  }

  // Gradio names each message by its raw HTML, and in English: assistive technology shall read the message instead.
  function rename() {
    for (const named of document.querySelectorAll('#chat :is([data-testid="user"], [data-testid="bot"], button.example)'))
      named.removeAttribute("aria-label");
    const log = document.querySelector("#chat [role=log]");
    if (log) log.setAttribute("aria-label", "Cuộc trò chuyện");
  }

  // A new answer's passages are shown from their beginning.
  let newest = "";
  function rewind() {
    const sections = document.querySelectorAll("#passages section.turn");
    const id = sections.length ? sections[sections.length - 1].id : "";
    if (id !== newest) panel().querySelector(".panel-body").scrollTop = 0;
    newest = id;
  }

  new MutationObserver(() => {
    rename();
    rewind();
  }).observe(document.body, { childList: true, subtree: true });
  rename();

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest("#chat a.chip, #chat a.sources");
      if (link) {
        event.preventDefault();
        event.stopPropagation();
        origin = link;
        show(link.getAttribute("href").split("#")[1]);
      } else if (event.target.closest(".close-panel") || (narrow() && event.target === document.body)) {
        close();
      }
    },
    true,
  );

  // A card beside a citation: title, place and the quoted words, taken from the panel. Hover or focus shows it.
  const card = document.createElement("div");
  card.className = "card";
  card.id = "card";
  card.hidden = true;
  card.setAttribute("role", "tooltip");
  document.body.append(card);

  function line(name, text) {
    const part = document.createElement("p");
    part.className = name;
    part.textContent = text;
    return part;
  }
  function showCard(chip) {
    const place = document.getElementById(chip.getAttribute("href").split("#")[1]);
    const passage = place && place.closest(".passage");
    if (!passage) return;
    const number = place.id.slice(place.closest("section.turn").id.length);
    const words = [...passage.querySelectorAll("mark." + number)].map((mark) => mark.textContent).join("");
    const quote = words.length > 320 ? words.slice(0, 320).trimEnd() + "…" : words;
    card.replaceChildren(
      line("doc-title", passage.querySelector(".doc-title").textContent),
      line("where", passage.querySelector(".where").textContent),
      line("quote", "“" + quote + "”"),
    );
    card.hidden = false;
    const spot = chip.getBoundingClientRect();
    const left = Math.min(spot.left, innerWidth - card.offsetWidth - 12);
    const above = spot.top - card.offsetHeight - 8;
    card.style.left = Math.max(12, left) + "px";
    card.style.top = (above > 8 ? above : spot.bottom + 8) + "px";
    chip.removeAttribute("title"); // the browser's own tip would cover the card
    chip.setAttribute("aria-describedby", "card");
  }
  const chipOf = (event) => event.target.closest && event.target.closest("#chat a.chip");
  for (const [name, shown] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]])
    document.addEventListener(name, (event) => {
      const chip = chipOf(event);
      if (!chip) return;
      if (shown) showCard(chip);
      else card.hidden = true;
    });
  document.addEventListener("scroll", () => (card.hidden = true), true);

  // A whole document lies over the page; its words are shown when it comes, and the focus goes back when it leaves.
  let before = null;
  const sheet = () => document.querySelector("#sheet .sheet");
  let drawn = null;
  function followSheet() {
    const now = sheet();
    if (now === drawn) return;
    if (now && !drawn) before = document.activeElement;
    if (!now && before && before.isConnected) before.focus({ preventScroll: true });
    drawn = now;
    if (!now) return;
    const here = now.querySelector("#here");
    if (here && !now.querySelector("figure")) here.scrollIntoView({ block: "center" });
    now.querySelector(".close-sheet").focus({ preventScroll: true });
  }
  function closeSheet() {
    const now = sheet();
    if (now) act({ act: "close" });
  }

  // A file to keep arrives as text.
  function followDownload() {
    const file = document.querySelector("#told textarea.download");
    if (!file || file.dataset.done) return;
    file.dataset.done = "yes";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file.value], { type: "text/markdown" }));
    link.download = file.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // What could not be done was not chosen either: each list goes back to what the program says.
  let failed = "";
  function followFailure() {
    const failure = document.querySelector("#told .failure");
    const said = failure ? failure.closest("#told").innerHTML : "";
    if (said === failed) return;
    failed = said;
    if (!failure) return;
    for (const list of document.querySelectorAll("#rail select")) {
      const kept = list.querySelector("option[selected]");
      if (kept) list.value = kept.value;
    }
  }
  new MutationObserver(() => {
    followSheet();
    followFailure();
    followDownload();
  }).observe(document.body, { childList: true, subtree: true });

  function send(question) {
    const box = document.querySelector("#box textarea");
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.querySelector("#send").click(), 60);
  }

  function renameConversation(item, id) {
    const button = item.querySelector("button.open");
    const field = document.createElement("input");
    field.className = "name-field";
    field.value = button.querySelector(".name").textContent;
    field.setAttribute("aria-label", "Tên mới");
    button.hidden = true;
    item.prepend(field);
    field.select();
    let over = false;
    const finish = (keep) => {
      if (over) return;
      over = true;
      field.remove();
      button.hidden = false;
      if (keep) act({ act: "rename", id, text: field.value });
    };
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") finish(false);
      event.stopPropagation();
    });
    field.addEventListener("blur", () => finish(true));
  }

  function rate(thumb) {
    const [, turn, way] = thumb.id.match(/^t(\d+)(up|down)$/);
    if (thumb.classList.contains("on")) return act({ act: "rate", turn, way: "" });
    act({ act: "rate", turn, way });
    const why = document.createElement("input");
    why.className = "why";
    why.placeholder = "Vì sao? (không bắt buộc, Enter để gửi)";
    why.setAttribute("aria-label", "Vì sao");
    const wait = setInterval(() => {
      const now = document.getElementById(`t${turn}${way}`);
      if (!now || !now.classList.contains("on")) return;
      clearInterval(wait);
      now.closest(".rating").append(why);
      why.focus();
    }, 60);
    setTimeout(() => clearInterval(wait), 5000);
    why.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) act({ act: "rate", turn, way, why: why.value });
      if (event.key === "Escape") why.remove();
      event.stopPropagation();
    });
  }

  // Gradio narrows each rule of the style sheet to its own container, so that the state stands on the rail itself.
  const rail = () => document.querySelector("#rail");
  function toggleRail(open = !rail().hasAttribute("data-open")) {
    rail().toggleAttribute("data-open", open);
    document.querySelector(".rail-button").setAttribute("aria-expanded", String(open));
    try {
      localStorage.setItem("rag-vi-rail", open ? "open" : "shut");
    } catch {
      // A browser that keeps nothing: the rail is as it was made.
    }
  }
  let wish = null;
  try {
    wish = localStorage.getItem("rag-vi-rail");
  } catch {
    // as above
  }
  const ready = setInterval(() => {
    if (!document.querySelector(".rail-button") || !rail()) return;
    clearInterval(ready);
    if (innerWidth >= 1400 && wish !== "shut") toggleRail(true);
  }, 50);

  document.addEventListener("click", (event) => {
    const target = event.target;
    const asks = target.closest("[data-act]");
    const offer = target.closest("#chat button.offer");
    const thumb = target.closest("#chat button.thumb");
    if (target.closest(".rail-button")) toggleRail();
    else if (target.closest(".close-sheet") || target.matches("#sheet, #sheet .html-container")) closeSheet();
    else if (offer) send(offer.innerText);
    else if (thumb) rate(thumb);
    else if (asks) {
      const told = { ...asks.dataset };
      if (told.act === "rename") renameConversation(asks.closest("li"), told.id);
      else if (["delete", "remove", "drop"].includes(told.act) && !asks.dataset.sure) {
        asks.dataset.sure = "yes";
        asks.textContent = "Bấm lần nữa để xóa";
      } else {
        const field = asks.parentElement.querySelector("input:not([type=checkbox])");
        act(field ? { ...told, text: field.value } : told);
        if (told.act === "create") field.value = "";
      }
    }
    for (const menu of document.querySelectorAll("#rail details.more[open]"))
      if (!menu.contains(target) || (asks && !asks.dataset.sure)) menu.removeAttribute("open");
    if (narrow() && !target.closest("#rail, .rail-button")) toggleRail(false);
  });
  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches("#rail .search")) return;
    clearTimeout(typing);
    typing = setTimeout(() => act({ act: "search", text: event.target.value }), 250);
  });
  document.addEventListener("change", (event) => {
    const { choice, collection, pick } = event.target.dataset;
    if (choice) act({ act: "choose", name: choice, value: event.target.value });
    else if (collection) act({ act: "collection", value: event.target.value });
    else if (pick) act({ act: "pick", doc: pick, value: String(event.target.checked) });
  });
  // Enter that ends a syllable of an input method is not meant to send.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.keyCode === 229) event.stopPropagation();
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("#rail .new-collection, #rail .new-name, #rail .folder") && !event.isComposing)
      event.target.parentElement.querySelector("[data-act]").click();
    const writes = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      document.querySelector("#box textarea").focus();
    }
    if (event.key !== "Escape") return;
    const stop = document.querySelector("#stop");
    card.hidden = true;
    if (sheet()) closeSheet();
    else if (origin) close();
    else if (stop && stop.offsetParent) stop.click();
  });
})();
