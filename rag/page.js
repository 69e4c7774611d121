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

    const body = panel().querySelector(".panel-body");
    const to = words[0] || section;
    const top = to.getBoundingClientRect().top - body.getBoundingClientRect().top + body.scrollTop;
    body.scrollTo({ top: words[0] ? top - body.clientHeight / 3 : 0, behavior: motion() });
    section.focus({ preventScroll: true });
  }

  function close() {
    document.querySelector("#panel").classList.remove("open");
    if (origin && origin.isConnected) origin.focus({ preventScroll: true });
    origin = null;
  }

  // Gradio names each message by its raw HTML, and in English: assistive technology shall read the message instead.
  function name() {
    for (const message of document.querySelectorAll('#chat [data-testid="user"], #chat [data-testid="bot"]'))
      message.removeAttribute("aria-label");
    for (const example of document.querySelectorAll("#chat button.example")) example.removeAttribute("aria-label");
    const log = document.querySelector("#chat [role=log]");
    if (log) log.setAttribute("aria-label", "Cuộc trò chuyện");
  }
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();

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
