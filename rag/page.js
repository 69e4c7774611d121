// The panel follows the chat: a citation [n] leads to its words, also of older answers.
(() => {
  document.documentElement.lang = "vi";
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
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && origin) close();
  });
})();
