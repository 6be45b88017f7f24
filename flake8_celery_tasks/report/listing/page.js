"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const page = document.getElementById("page");
  const SVG = "http://www.w3.org/2000/svg";
  const COLUMNS = [
    ["name", "Task"], ["app", "App"], ["queue", "Queue"], ["runs", "Runs"], ["retries", "Retried"],
    ["result", "Result"], ["start", "Start"], ["time_limit", "Time limits"], ["senders", "Senders"],
    ["findings", "Findings"],
  ];
  const QUESTIONS = {
    runs: "runs once or many times", retries: "is retried", result: "result is stored",
    status: "status is tracked", start: "start is tracked",
  };
  const SOURCES = {
    task: "the task", class: "its class", project: "a setting of the project", route: "a route of the project",
    default: "Celery's default", unknown: "can't be resolved", given: "given by name=", derived: "module and function",
  };

  /** Make an element. Text goes in as text: nothing that comes from a project is ever markup. */
  const make = (tag, attributes, ...children) => {
    const element = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat()) if (child !== null) element.append(child);
    return element;
  };

  /** Return a text that may be broken where a name or a path has a joint. */
  const jointed = (text) => text.split(/(?<=[._/:])/).flatMap((part) => [part, make("wbr", {})]);

  const label = (task) => task.name === null ? `? ${task.definition || ""}` : task.name;
  const place = (one) => one.line ? `${one.path}:${one.line}` : one.path;
  const many = (count, word, words) => `${count} ${count === 1 ? word : words || word + "s"}`;
  const queue = (task) => task.queue || "(default queue)";

  // What the address says: everything can be linked to.
  const state = () => {
    const found = new URLSearchParams(location.hash.slice(1));
    return {
      q: found.get("q") || "", app: found.get("app"), queue: found.get("queue"), open: found.get("open") || "",
      view: found.get("view") || "table", task: found.get("task"), sort: found.get("sort") || "name",
    };
  };
  const address = (changes) => {
    const now = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...state(), ...changes })) {
      if (value !== null && value !== "" && !(name === "view" && value === "table") && !(name === "sort" && value === "name")) now.set(name, value);
    }
    return "#" + now.toString();
  };
  const go = (changes) => history.replaceState(null, "", address(changes));

  const text = data.tasks.map((task) =>
    [label(task), task.path, task.app, queue(task), task.definition, ...task.sent_from].join("\n").toLowerCase());
  const wanted = (now) => data.tasks.map((_, index) => index).filter((index) => {
    const task = data.tasks[index];
    return now.q.toLowerCase().split(/\s+/).every((word) => text[index].includes(word))
      && (now.app === null || task.app === now.app)
      && (now.queue === null || task.queue === now.queue)
      && (now.open === "" || (now.open === "findings" ? task.findings.length > 0
        : now.open === "unsent" ? task.senders.length === 0
        : now.open === "any" ? task.unanswered.length > 0 : task.unanswered.includes(now.open)));
  });

  const sorted = (indexes, sort) => {
    const column = sort.replace(/^-/, "");
    const value = (index) => {
      const task = data.tasks[index];
      if (column === "senders" || column === "findings") return task[column].length;
      return column === "name" ? label(task).toLowerCase() : String(task[column]).toLowerCase();
    };
    const turn = sort.startsWith("-") ? -1 : 1;
    return [...indexes].sort((one, other) => {
      const [mine, theirs] = [value(one), value(other)];
      return mine < theirs ? -turn : mine > theirs ? turn : one - other;
    });
  };

  // The list.

  const select = (name, title, first, options, now) => {
    const chosen = make("select", { onchange: (event) => {
      go({ [name]: event.target.value === "*" ? null : event.target.value.slice(1) });
      fill();
    } }, make("option", { value: "*" }, first),
      options.map(([value, shown]) => make("option", { value: "=" + value, selected: now === value }, shown)));
    return make("label", {}, title, chosen);
  };
  const counted = (values) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) || 0) + 1);
    return [...counts].sort((one, other) => one[0] < other[0] ? -1 : 1);
  };

  let fill = () => {};

  const list = () => {
    const now = state();
    const apps = counted(data.tasks.map((task) => task.app));
    const queues = counted(data.tasks.map((task) => task.queue));
    const open = counted(data.tasks.flatMap((task) => task.unanswered));
    const undecided = data.tasks.filter((task) => task.unanswered.length).length;
    const found = data.tasks.reduce((sum, task) => sum + task.findings.length, 0);
    const search = make("input", { type: "search", value: now.q, placeholder: "name, file, app, queue, sender",
      oninput: (event) => { go({ q: event.target.value }); fill(); } });
    const questions = [["any", `any question (${undecided})`],
      ...open.map(([name, count]) => [name, `${QUESTIONS[name] || name} (${count})`]),
      ["findings", `tasks with findings (${data.tasks.filter((task) => task.findings.length).length})`],
      ["unsent", `nobody seen who sends it (${data.tasks.filter((task) => !task.senders.length).length})`]];
    const view = (name, title) => make("button", { type: "button", "aria-pressed": String(now.view === name),
      onclick: () => { go({ view: name }); show(); } }, title);
    const body = make("div", {});
    const count = make("p", { class: "faint", role: "status" });
    page.replaceChildren(
      make("h1", {}, data.title),
      make("p", { class: "faint" }, [many(data.tasks.length, "task"), ` in ${many(apps.length, "app")}`,
        `, ${undecided} with an open question`, `, ${many(found, "finding")}`,
        data.unknown.length ? `, ${many(data.unknown.length, "name is", "names are")} sent that no task has` : ""].join("")),
      make("div", { class: "controls" },
        make("label", { class: "search" }, "Search", search),
        select("app", "App", "all apps", apps.map(([name, number]) => [name, `${name || "(none)"} (${number})`]), now.app),
        select("queue", "Queue", "all queues", queues.map(([name, number]) => [name, `${name || "(default queue)"} (${number})`]), now.queue),
        select("open", "Open question", "all tasks", questions, now.open),
        make("div", { class: "views" }, view("table", "Table"), view("picture", "Picture"))),
      count, body);
    fill = () => {
      const chosen = wanted(state());
      count.textContent = chosen.length === data.tasks.length ? "" : `${chosen.length} of ${many(data.tasks.length, "task")}`;
      body.replaceChildren(...(state().view === "picture" ? pictured(chosen) : [table(chosen)]), ...unknown());
    };
    fill();
  };

  const table = (chosen) => {
    const { sort } = state();
    const heading = ([column, title]) => {
      const is = sort.replace(/^-/, "") === column;
      const turned = is && !sort.startsWith("-");
      return make("th", { scope: "col", class: column === "senders" || column === "findings" ? "number" : null,
        "aria-sort": is ? (turned ? "ascending" : "descending") : "none" },
        make("button", { type: "button", onclick: () => { go({ sort: turned ? "-" + column : column }); fill(); } },
          title + (is ? (turned ? " \u25b2" : " \u25bc") : "")));
    };
    const cell = (index, [column, title]) => {
      const task = data.tasks[index];
      if (column === "name") {
        return make("td", { class: "name", "data-label": title }, make("div", {},
          make("a", { href: address({ task: index }), class: "code" }, jointed(label(task))),
          make("div", { class: "faint code" }, jointed(place(task)))));
      }
      if (column === "senders" || column === "findings") {
        return make("td", { class: "number", "data-label": title }, String(task[column].length || ""));
      }
      const value = column === "queue" ? queue(task) : task[column];
      const isOpen = task.unanswered.includes(column);
      return make("td", { "data-label": title, class: column === "app" ? "code" : column === "retries" ? "long" : null },
        value === "" ? null : make("span", { class: isOpen ? "open" : null }, column === "app" ? jointed(value) : value));
    };
    return make("table", { class: "tasks" },
      make("thead", {}, make("tr", {}, COLUMNS.map(heading))),
      make("tbody", {}, sorted(chosen, sort).map((index) => make("tr", {}, COLUMNS.map((column) => cell(index, column))))));
  };

  const unknown = () => data.unknown.length === 0 ? [] : [
    make("h2", {}, "Names that are sent and that no task has"),
    make("ul", {}, data.unknown.map((one) => make("li", {},
      make("span", { class: "badge unknown code" }, one.name), " ",
      make("span", { class: "faint code" }, one.senders.map(place).join(", ")))))];

  // One task.

  const detail = (index) => {
    const task = data.tasks[index];
    const key = `t${index}`;
    const sends = data.edges.filter((edge) => edge.source === key).map((edge) => node.get(edge.target));
    const near = new Set([key]);
    for (const edge of data.edges) {
      if (edge.source === key || edge.target === key) near.add(edge.source).add(edge.target);
    }
    const named = new Map(data.tasks.map((one, number) => [`${one.path}\n${one.definition}`, number]));
    const sender = (one) => {
      const number = one.definition === null ? undefined : named.get(`${one.path}\n${one.definition}`);
      return make("li", {}, make("span", { class: "code" }, place(one)), one.kind === "beat" ? " (beat)" : "",
        number === undefined ? null : make("span", {}, ", in the task ",
          make("a", { class: "code", href: address({ task: number }) }, label(data.tasks[number]))));
    };
    const shown = (value) => value === null ? "none" : Array.isArray(value) ? value.join(", ") || "none" : String(value);
    page.replaceChildren(make("article", { class: "task" },
      make("p", {}, make("a", { href: address({ task: null }) }, "\u2190 all tasks")),
      make("h1", { class: "code" }, jointed(label(task))),
      make("p", { class: "faint code" }, place(task)),
      make("dl", {}, [["App", task.app || "none"], ["Queue", queue(task)],
        ...COLUMNS.slice(3, 8).map(([column, title]) => [title, task[column]]),
        ["Open questions", task.unanswered.map((name) => QUESTIONS[name] || name).join(", ") || "none"]]
        .flatMap(([title, value]) => [make("dt", {}, title), make("dd", {}, value)])),
      make("h2", {}, "Options"),
      Object.keys(task.facts).length === 0 ? make("p", { class: "faint" }, "Nothing is known of the options of another service's task.")
        : make("table", {}, make("thead", {}, make("tr", {}, ["Option", "Value", "From"].map((title) => make("th", { scope: "col" }, make("span", { class: "cell" }, title))))),
          make("tbody", {}, Object.entries(task.facts).map(([name, fact]) => make("tr", {},
            make("td", { class: "code" }, jointed(name)),
            make("td", { class: "code" }, fact.source === "unknown" ? make("span", { class: "open" }, "?") : shown(fact.value)),
            make("td", { class: "faint" }, SOURCES[fact.source] || fact.source))))),
      make("h2", {}, `Sent from ${many(task.senders.length, "place")}`),
      make("ul", {}, task.senders.map(sender)),
      make("h2", {}, "Sends"),
      sends.length === 0 ? make("p", { class: "faint" }, "No task that could be seen.")
        : make("ul", {}, sends.map((one) => make("li", {}, one.number < 0 ? make("span", { class: "code" }, one.label)
          : make("a", { class: "code", href: address({ task: one.number }) }, one.label)))),
      make("h2", {}, many(task.findings.length, "finding")),
      make("ul", {}, task.findings.map((one) => make("li", {}, make("strong", { class: "code" }, one.code), " ", one.text, " ",
        make("span", { class: "faint code" }, place(one))))),
      make("h2", {}, "Picture"), draw(near, key)));
    window.scrollTo(0, 0);
  };

  // The picture: layers from left to right, apps as boxes, as few crossings as a few sweeps can make.

  const node = new Map(data.nodes.map((one) => [one.key, one]));
  const ROW = 26, HEAD = 24, GAP = 16, PAD = 8, BETWEEN = 110, LETTER = 7.3, LONGEST = 46;

  const pictured = (chosen) => {
    const keys = new Set(chosen.map((index) => `t${index}`));
    const all = chosen.length === data.tasks.length;
    const drawn = new Set();
    for (const { source, target } of data.edges) {
      if (keys.has(target) || keys.has(source) || all) drawn.add(source).add(target);
    }
    const alone = chosen.filter((index) => !drawn.has(`t${index}`));
    return [
      make("div", { class: "legend" }, [["task", "task"], ["module", "module that sends"], ["beat", "beat"],
        ["service", "other service"], ["unknown", "name that no task has"]].map(([kind, title]) => make("span", { class: kind }, title))),
      drawn.size ? draw(drawn, null) : make("p", { class: "faint" }, "None of these tasks is sent where it could be seen."),
      alone.length ? make("p", {}, make("span", { class: "faint" }, `${many(alone.length, "task")} that nobody is seen to send: `),
        alone.map((index) => make("a", { class: "badge code", href: address({ task: index }) }, label(data.tasks[index])))) : null,
    ].filter((one) => one !== null);
  };

  /** Return the layer of each node: as far to the right as its longest way in; edges that close a circle don't count. */
  const layered = (keys, edges) => {
    const out = new Map([...keys].map((key) => [key, []]));
    for (const edge of edges) if (edge.source !== edge.target) out.get(edge.source).push(edge.target);
    const done = new Set(), open = new Set(), order = [], forward = [];
    for (const start of keys) {
      const stack = done.has(start) ? [] : [[start, 0]];
      if (stack.length) open.add(start);
      while (stack.length) {
        const top = stack[stack.length - 1];
        const [key, next] = top;
        if (next < out.get(key).length) {
          top[1] += 1;
          const target = out.get(key)[next];
          if (!open.has(target)) forward.push([key, target]);
          if (!open.has(target) && !done.has(target)) { open.add(target); stack.push([target, 0]); }
        } else { open.delete(key); done.add(key); order.unshift(key); stack.pop(); }
      }
    }
    const layer = new Map([...keys].map((key) => [key, 0]));
    const after = new Map();
    for (const [source, target] of forward) after.set(source, [...(after.get(source) || []), target]);
    for (const key of order) {
      for (const target of after.get(key) || []) layer.set(target, Math.max(layer.get(target), layer.get(key) + 1));
    }
    return layer;
  };

  /** Move boxes up where a band across the whole picture is empty. */
  const close = (boxes, y, height) => {
    let bottom = null, up = 0;
    for (const box of [...boxes].sort((one, other) => one.top - other.top)) {
      if (bottom !== null) up += Math.max(0, box.top - bottom - GAP);
      bottom = Math.max(bottom === null ? -Infinity : bottom, box.top + height(box.group));
      box.top -= up;
      for (const key of box.group) y.set(key, y.get(key) - up);
    }
  };

  const draw = (keys, here) => {
    const edges = data.edges.filter((edge) => keys.has(edge.source) && keys.has(edge.target));
    const layer = layered(keys, edges);
    const columns = [];
    for (const key of keys) {
      const column = columns[layer.get(key)] = columns[layer.get(key)] || new Map();
      const cluster = node.get(key).cluster;
      column.set(cluster, [...(column.get(cluster) || []), key]);
    }
    const near = new Map([...keys].map((key) => [key, []]));
    for (const { source, target } of edges) { near.get(source).push(target); near.get(target).push(source); }
    const y = new Map();
    const height = (group) => HEAD + group.length * ROW + PAD;
    const mean = (key, of) => {
      const found = near.get(key).filter(of).map((other) => y.get(other)).filter((one) => one !== undefined);
      return found.length ? found.reduce((sum, one) => sum + one, 0) / found.length : (y.get(key) || 0);
    };
    const boxes = columns.map(() => []);
    const settle = (number, of) => {
      const groups = [...columns[number]].map(([cluster, group]) => {
        const aim = new Map(group.map((key) => [key, mean(key, of)]));
        group.sort((one, other) => aim.get(one) - aim.get(other) || (node.get(one).label < node.get(other).label ? -1 : 1));
        return { cluster, group, aim: group.reduce((sum, key) => sum + aim.get(key), 0) / group.length };
      }).sort((one, other) => one.aim - other.aim || (one.cluster < other.cluster ? -1 : 1));
      let top = PAD;
      boxes[number] = groups.map(({ cluster, group, aim }) => {
        top = Math.max(top, of ? aim - height(group) / 2 : top);
        const box = { cluster, top, group };
        group.forEach((key, place) => y.set(key, top + HEAD + place * ROW + ROW / 2));
        top += height(group) + GAP;
        return box;
      });
    };
    columns.forEach((_, number) => settle(number, () => true));
    for (let sweep = 0; sweep < 4; sweep += 1) {
      for (let number = 1; number < columns.length; number += 1) settle(number, (other) => layer.get(other) < number);
      for (let number = columns.length - 2; number >= 0; number -= 1) settle(number, (other) => layer.get(other) > number);
    }
    for (let number = 1; number < columns.length; number += 1) settle(number, (other) => layer.get(other) < number);
    close(boxes.flat(), y, height);
    const first = Math.min(...boxes.flat().map((box) => box.top)) - PAD;
    const cut = (name) => name.length > LONGEST ? "\u2026" + name.slice(1 - LONGEST) : name;
    const left = [];
    let x = PAD;
    const room = columns.map((column) => Math.max(...[...column].map(([cluster, group]) =>
      Math.max(cluster.length, ...group.map((key) => cut(node.get(key).label).length)))) * LETTER + 4 * PAD);
    columns.forEach((_, number) => { left[number] = x; x += room[number] + BETWEEN; });
    const total = Math.max(...boxes.flat().map((box) => box.top + height(box.group))) - first + PAD;
    const svg = make("svg:svg", { width: Math.ceil(x - BETWEEN + PAD), height: Math.ceil(total), role: "img", "aria-label": "Who sends what" });
    const lines = edges.map((edge) => {
      const [from, to] = [layer.get(edge.source), layer.get(edge.target)];
      const [x1, y1, x2, y2] = [left[from] + room[from] - PAD, y.get(edge.source) - first, left[to] + PAD, y.get(edge.target) - first];
      const bend = to > from ? (x2 - x1) / 2 : BETWEEN / 2;
      const kinds = [node.get(edge.source).kind, node.get(edge.target).kind];
      const path = make("svg:path", { d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
        class: kinds.includes("unknown") ? "unknown" : kinds.includes("beat") ? "beat" : null },
        make("svg:title", {}, `${node.get(edge.source).label} sends ${node.get(edge.target).label}` + (edge.places > 1 ? `, from ${edge.places} places` : "")));
      return { edge, path };
    });
    const shapes = new Map();
    boxes.forEach((column, number) => column.forEach(({ cluster, top, group }) => {
      if (cluster) {
        svg.append(make("svg:rect", { class: "cluster", x: left[number], y: top - first, width: room[number], height: height(group), rx: 8 }),
          make("svg:text", { class: "cluster", x: left[number] + PAD, y: top - first + 16 }, cluster));
      }
    }));
    for (const { path } of lines) svg.append(path);
    boxes.forEach((column, number) => column.forEach(({ group }) => group.forEach((key) => {
      const one = node.get(key);
      const drawn = make("svg:g", { class: `node ${one.kind}${key === here ? " here" : ""}` },
        make("svg:title", {}, one.label),
        make("svg:rect", { x: left[number] + PAD, y: y.get(key) - first - ROW / 2 + 2, width: room[number] - 2 * PAD, height: ROW - 4, rx: one.kind === "task" ? 3 : 9 }),
        make("svg:text", { x: left[number] + 2 * PAD, y: y.get(key) - first + 4 }, cut(one.label)));
      const linked = one.number < 0 ? drawn : make("svg:a", { href: address({ task: one.number }) }, drawn);
      const light = (is) => () => {
        svg.classList.toggle("lit", is);
        for (const { edge, path } of lines) {
          const touches = is && (edge.source === key || edge.target === key);
          path.classList.toggle("lit", touches);
          if (touches) { shapes.get(edge.source).classList.add("lit"); shapes.get(edge.target).classList.add("lit"); }
        }
        if (!is) for (const shape of shapes.values()) shape.classList.remove("lit");
        else drawn.classList.add("lit");
      };
      for (const [event, is] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]) linked.addEventListener(event, light(is));
      shapes.set(key, drawn);
      svg.append(linked);
    })));
    return make("div", { class: "picture", tabindex: 0 }, svg);
  };

  const show = () => {
    const { task } = state();
    const index = task === null ? -1 : Number(task);
    if (index in data.tasks) detail(index);
    else list();
  };
  addEventListener("hashchange", show);
  show();
})();
