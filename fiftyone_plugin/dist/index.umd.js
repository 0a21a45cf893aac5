// What LatentDiff needs beside FiftyOne's own components: a frame for its Gradio page, a button that copies text, a drop-down, tabs, a slider, the
// key Enter, a bar that can be cancelled, news of the grid, and a group of the sidebar. Written by hand, nothing to build.
(function () {
  "use strict";
  const React = window.React;
  const plugins = window.__fop__;
  if (!React || !plugins) return; // not in FiftyOne's App

  // Only a page of this machine is framed: the address comes from an operator's result.
  function pageAddress(text) {
    try {
      const address = new URL(String(text));
      const local = ["127.0.0.1", "localhost", "[::1]"].includes(address.hostname);
      if (!local || address.protocol !== "http:") return null;
      address.searchParams.set("__theme", localStorage.getItem("mui-mode") === "light" ? "light" : "dark"); // as the App is
      return address.href;
    } catch (error) {
      return null;
    }
  }

  function LatentDiffPage(props) {
    const view = (props.schema && props.schema.view) || {};
    const address = pageAddress(view.url || props.data);
    if (!address) return React.createElement("p", null, "The page is not on this machine; open its address in a browser.");
    return React.createElement("iframe", {
      src: address,
      title: "LatentDiff",
      credentialless: "", // the App isolates itself from other origins: without this its frame stays empty
      sandbox: "allow-scripts allow-same-origin allow-forms allow-downloads",
      style: { width: "100%", height: view.height || "78vh", border: 0, borderRadius: 6, background: "transparent" },
    });
  }

  // In the browser alone: the clipboard opens only to a click, not to an answer of the server that comes later.
  async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea"); // where the App is served without TLS to another machine
    area.value = text;
    document.body.appendChild(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser refused");
  }

  const COPY = "M16 1H4c-1.1 0-2 .9-2 2v14h2V3h12V1zm3 4H8c-1.1 0-2 .9-2 2v14c0 1.1.9 2 2 2h11c1.1 0 2-.9 2-2V7c0-1.1-.9-2-2-2zm0 16H8V7h11v14z";
  const DONE = "M9 16.2 4.8 12l-1.4 1.4L9 19 21 7l-1.4-1.4L9 16.2z";

  function LatentDiffCopy(props) {
    const view = (props.schema && props.schema.view) || {};
    const [said, say] = React.useState("Copy as text");
    const click = () =>
      copyText(String(view.text || "")).then(
        () => say("Copied"),
        () => say("The browser does not allow copying"),
      );
    const icon = React.createElement("path", { d: said === "Copied" ? DONE : COPY, fill: "currentColor" });
    const style = { background: "none", border: 0, padding: "4px", color: "inherit", opacity: 0.7, cursor: "pointer", display: "flex" };
    return React.createElement(
      "button",
      { type: "button", title: said, "aria-label": said, onClick: click, onMouseLeave: () => say("Copy as text"), style: style },
      React.createElement("svg", { width: 20, height: 20, viewBox: "0 0 24 24", "aria-hidden": true }, icon),
    );
  }

  // What a user chose last, until the server draws something else; and what chooses, and tells the server.
  function useChosen({ value, on_change: changed }) {
    const trigger = window.__foo__.useTriggerPanelEvent();
    const [chosen, choose] = React.useState(value);
    React.useEffect(() => choose(value), [JSON.stringify(value)]);
    const change = (next) => {
      choose(next);
      trigger(changed, { value: next });
    };
    return [chosen, change, choose];
  }

  // A drop-down that tells the server what a user chose. FiftyOne's own also tells it what the server itself has set, each time it is drawn.
  function LatentDiffChoice(props) {
    const view = (props.schema && props.schema.view) || {};
    const { label, choices } = view;
    const { MenuItem, TextField } = window.__mui__;
    const [chosen, change] = useChosen(view);
    const known = (choices || []).some(([one]) => one === chosen);
    return React.createElement(
      TextField,
      { select: true, size: "small", fullWidth: true, label, value: known ? chosen : "", onChange: (event) => change(event.target.value) },
      (choices || []).map(([one, text]) => React.createElement(MenuItem, { key: one, value: one }, text)),
    );
  }

  // The panel's tabs. FiftyOne's own keep to themselves which one is open: where the server draws another one, a click on that does nothing.
  function LatentDiffTabs(props) {
    const view = (props.schema && props.schema.view) || {};
    const { Tab, Tabs } = window.__mui__;
    const [chosen, change] = useChosen(view);
    return React.createElement(
      Tabs,
      { value: chosen, variant: "scrollable", scrollButtons: false, sx: view.sx, onChange: (event, next) => change(next) },
      (view.choices || []).map(([one, text]) => React.createElement(Tab, { key: one, value: one, label: text })),
    );
  }

  // The two ends of a range. FiftyOne's own slider also tells the server what the server itself has set, and later: the grid that showed all
  // again was filtered anew.
  function LatentDiffRange(props) {
    const view = (props.schema && props.schema.view) || {};
    const { label, min, max } = view;
    const { Slider, Typography } = window.__mui__;
    const [chosen, change, move] = useChosen(view);
    const slider = {
      value: chosen,
      min,
      max,
      step: (max - min) / 200,
      valueLabelDisplay: "auto",
      valueLabelFormat: (end) => end.toFixed(2),
      getAriaLabel: (end) => `${label}, ${end ? "highest" : "lowest"}`,
      onChange: (event, next) => move(next),
      onChangeCommitted: (event, next) => change(next),
    };
    return React.createElement(
      "div",
      { style: { padding: "0 10px 0 56px" } }, // under the ends of the plot above it
      React.createElement(Typography, null, label),
      React.createElement(Slider, slider),
    );
  }

  // Enter in a text field does what the button beside it does, with the text that stands there: the panel's state learns of it later.
  function LatentDiffEnter(props) {
    const { on_change: entered } = (props.schema && props.schema.view) || {};
    const trigger = window.__foo__.useTriggerPanelEvent();
    const here = React.useRef(null);
    React.useEffect(() => {
      let row = here.current;
      while (row && !row.querySelector("input")) row = row.parentElement;
      if (!row) return undefined;
      const press = (event) => {
        if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
        event.preventDefault();
        trigger(entered, { value: event.target.value });
      };
      row.addEventListener("keydown", press);
      return () => row.removeEventListener("keydown", press);
    });
    return React.createElement("span", { ref: here, hidden: true });
  }

  // Says once that the grid shows something else. FiftyOne's own event comes several times a click, whether or not anything changed.
  function LatentDiffGrid(props) {
    const { on_change: changed } = (props.schema && props.schema.view) || {};
    const trigger = window.__foo__.useTriggerPanelEvent();
    const view = window.recoil.useRecoilValue(window.__fos__.view);
    const now = JSON.stringify(view, (key, value) => (key === "_uuid" ? undefined : value));
    const before = React.useRef(now);
    React.useEffect(() => {
      if (before.current !== now) trigger(changed, {});
      before.current = now;
    }, [now]);
    return null;
  }

  // Fields of a new comparison lie in their group of the sidebar at once. The App reads the dataset's groups only when it opens it: whatever is
  // added later goes into the usual groups until the page is loaded anew. Nothing is stored here; the server has stored it already.
  function LatentDiffSidebar(props) {
    const { group, paths } = (props.schema && props.schema.view) || {};
    const [groups, set] = window.recoil.useRecoilState(window.__fos__.sidebarGroupsDefinition(false));
    React.useEffect(() => {
      const known = new Set(groups.flatMap((one) => one.paths));
      const own = groups.find((one) => one.name === group);
      const wanted = (paths || []).filter((path) => known.has(path));
      const missing = wanted.filter((path) => !(own && own.paths.includes(path)));
      if (!missing.length && !(own && !own.paths.length)) return;
      const others = groups.map((one) => ({ ...one, paths: one.paths.filter((path) => !missing.includes(path)) }));
      const filled = own ? others : [...others, { name: group, paths: [] }];
      const changed = filled.map((one) => (one.name === group ? { ...one, paths: [...one.paths, ...missing] } : one));
      set(changed.filter((one) => one.name !== group || one.paths.length));
    }, [groups, group, JSON.stringify(paths)]);
    return null;
  }

  // In the panel: looks at what is stored as soon as a first answer is there, and cancels what is still to come.
  const EARLY = "latentdiff-first-answer";
  function LatentDiffEarly(props) {
    const { on_change: changed } = (props.schema && props.schema.view) || {};
    const trigger = window.__foo__.useTriggerPanelEvent();
    React.useEffect(() => {
      const look = () => trigger(changed, {});
      window.addEventListener(EARLY, look);
      return () => window.removeEventListener(EARLY, look);
    });
    return null;
  }

  function LatentDiffStop(props) {
    const { operator, text } = (props.schema && props.schema.view) || {};
    const { Button } = window.__mui__;
    const [said, say] = React.useState(text);
    const stop = () => {
      window.__foo__.abortOperationsByURI(operator);
      say("Stopping …");
    };
    const sx = { color: "text.secondary", borderColor: "divider", fontSize: "0.875rem" }; // the App's orange cannot be read on its light ground
    return React.createElement(Button, { size: "small", variant: "outlined", sx, disabled: said !== text, onClick: stop }, said);
  }

  // Below the bar in FiftyOne's dialog, whose own button would only hide it until the next step: cancels the work, and closes the dialog at its end.
  const stopped = new Set();
  function LatentDiffRunning(props) {
    const { operator, work, ends } = (props.schema && props.schema.view) || {};
    const here = React.useRef(null);
    const footer = () => here.current.closest("[role=dialog]").querySelector(".MuiDialogActions-root");
    const close = () => footer().querySelector("button").click();
    React.useEffect(() => {
      footer().style.display = "none";
      if (ends || stopped.has(work)) close();
      if (ends === "early") window.dispatchEvent(new Event(EARLY));
    });
    const cancel = () => {
      stopped.add(work); // a step that was on its way may open the dialog once more
      window.__foo__.abortOperationsByURI(operator);
      close();
    };
    const style = { background: "none", border: "1px solid", borderRadius: 4, padding: "4px 12px", color: "inherit", font: "inherit", cursor: "pointer" };
    return React.createElement(
      "div",
      { ref: here, style: { textAlign: "right", marginTop: 8 } },
      React.createElement("button", { type: "button", onClick: cancel, style: style }, "Cancel"),
    );
  }

  // In each of our forms. It sends the form's nonce back, of which nobody has to see anything, and leaves nothing red that was not touched yet:
  // FiftyOne says in red what is required as soon as a form is drawn.
  function LatentDiffForm() {
    const here = React.useRef(null);
    const touched = React.useRef(new Set());
    React.useEffect(() => {
      const form = here.current.closest("form");
      if (!form) return undefined;
      const label = (element) => ((element.closest(".MuiGrid-item") || element).innerText || "").split("\n")[0];
      const isRed = (text) => {
        const [red, green, blue] = getComputedStyle(text).color.match(/\d+/g).map(Number);
        return red > green + 60 && red > blue + 60;
      };
      const calm = () => {
        for (const text of form.querySelectorAll("p")) {
          if (text.dataset.calm || isRed(text)) {
            text.dataset.calm = "known"; // red, but for this
            text.style.color = touched.current.has(label(text)) ? "" : "inherit";
            text.style.opacity = text.style.color ? 0.75 : "";
          }
        }
      };
      const touch = (event) => {
        touched.current.add(label(event.target));
        calm();
      };
      const news = new MutationObserver(calm);
      news.observe(form, { childList: true, subtree: true, characterData: true });
      form.addEventListener("input", touch);
      form.addEventListener("focusout", touch);
      calm();
      return () => {
        news.disconnect();
        form.removeEventListener("input", touch);
        form.removeEventListener("focusout", touch);
      };
    }, []);
    return React.createElement("span", { ref: here, hidden: true });
  }

  for (const [name, label, component] of [
    ["LatentDiffChoice", "LatentDiff drop-down", LatentDiffChoice],
    ["LatentDiffTabs", "LatentDiff tabs", LatentDiffTabs],
    ["LatentDiffRange", "LatentDiff range", LatentDiffRange],
    ["LatentDiffForm", "LatentDiff form", LatentDiffForm],
    ["LatentDiffCopy", "LatentDiff copy button", LatentDiffCopy],
    ["LatentDiffPage", "LatentDiff page", LatentDiffPage],
    ["LatentDiffEnter", "LatentDiff key Enter", LatentDiffEnter],
    ["LatentDiffGrid", "LatentDiff view of the grid", LatentDiffGrid],
    ["LatentDiffSidebar", "LatentDiff group of the sidebar", LatentDiffSidebar],
    ["LatentDiffRunning", "LatentDiff progress", LatentDiffRunning],
    ["LatentDiffEarly", "LatentDiff news of a first answer", LatentDiffEarly],
    ["LatentDiffStop", "LatentDiff button that stops", LatentDiffStop],
  ])
    plugins.registerComponent({ name, label, component, type: plugins.PluginComponentType.Component, activator: () => true });
})();
