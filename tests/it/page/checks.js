() => {
  const found = [];
  const visible = (node) => {
    const box = node.getBoundingClientRect();
    const style = getComputedStyle(node);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none"
      && !node.closest(".visually-hidden, .skip, dialog:not([open])");
  };
  const nameOf = (node) => (node.getAttribute("aria-label")
    || (node.getAttribute("aria-labelledby") || "").split(" ")
      .map((id) => document.getElementById(id)?.textContent || "").join(" ")
    || node.textContent || "").trim();
  const where = (node) => node.outerHTML.slice(0, 120);

  // Names.
  for (const node of document.querySelectorAll("button, a, progress, nav, section, svg[role=img], summary")) {
    const inDialog = node.closest("dialog:not([open])");
    if (!inDialog && !nameOf(node)) found.push(`no name: ${where(node)}`);
  }
  for (const node of document.querySelectorAll("img")) {
    if (!node.hasAttribute("alt")) found.push(`no alt: ${where(node)}`);
  }
  for (const node of document.querySelectorAll("svg")) {
    if (node.getAttribute("aria-hidden") !== "true" && node.getAttribute("role") !== "img") {
      found.push(`neither hidden nor an image: ${where(node)}`);
    }
  }

  // Tables.
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent) found.push(`no caption: ${where(table)}`);
    for (const head of table.querySelectorAll("th")) {
      if (!head.hasAttribute("scope")) found.push(`no scope: ${where(head)}`);
      if (!head.textContent.trim()) found.push(`empty heading: ${where(head)}`);
    }
  }

  // Landmarks and headings.
  for (const name of ["header", "main", "footer", "h1"]) {
    const count = document.querySelectorAll(name).length;
    if (count !== 1) found.push(`${count} of ${name}`);
  }
  let level = 0;
  for (const head of document.querySelectorAll("h1, h2, h3, h4")) {
    if (head.closest("dialog, [hidden]")) continue;
    const own = Number(head.tagName[1]);
    if (own > level + 1) found.push(`h${own} after h${level}: ${where(head)}`);
    level = own;
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  if (twice.length) found.push(`ids used twice: ${twice}`);
  for (const node of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const named = `${node.getAttribute("aria-labelledby") || ""} ${node.getAttribute("aria-describedby") || ""}`;
    for (const id of named.trim().split(/\s+/)) {
      if (!document.getElementById(id)) found.push(`names nothing: ${id}`);
    }
  }
  if (!document.documentElement.lang) found.push("no language");
  for (const node of document.querySelectorAll("[style], style, script:not([src])")) {
    found.push(`inline: ${where(node)}`);
  }

  // Contrast of every text with what is behind it.
  const parse = (text) => {
    const numbers = (text.match(/[\d.]+/g) || []).map(Number);
    if (text.startsWith("color(srgb")) {
      return [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1];
    }
    return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0, numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.nodeValue.trim() || !visible(node) || node.closest("noscript, script")) continue;
    const below = behind(node);
    const ink = over(parse(getComputedStyle(node).color), below);
    const [one, other] = [light(ink), light(below)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(2)}: ${text.nodeValue.trim().slice(0, 40)}`);
  }

  // Whatever can be pressed is large enough for a finger or a shaky hand (WCAG 2.2, 2.5.8).
  for (const node of document.querySelectorAll("button")) {
    const box = node.getBoundingClientRect();
    if (visible(node) && (box.height < 24 || box.width < 24)) found.push(`small: ${where(node)}`);
  }
  return found;
}
