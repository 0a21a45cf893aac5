// What LatentDiff needs beside FiftyOne's own components: a frame for its Gradio page, a button that copies text, and the key Enter. Written by hand,
// nothing to build.
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
    const style = { background: "none", border: 0, padding: "6px", color: "inherit", opacity: 0.7, cursor: "pointer", display: "flex" };
    return React.createElement(
      "button",
      { type: "button", title: said, "aria-label": said, onClick: click, onMouseLeave: () => say("Copy as text"), style: style },
      React.createElement("svg", { width: 20, height: 20, viewBox: "0 0 24 24", "aria-hidden": true }, icon),
    );
  }

  plugins.registerComponent({
    name: "LatentDiffNonce",
    label: "LatentDiff form",
    component: () => null, // the form sends it back, nobody has to see it
    type: plugins.PluginComponentType.Component,
    activator: () => true,
  });

  plugins.registerComponent({
    name: "LatentDiffCopy",
    label: "LatentDiff copy button",
    component: LatentDiffCopy,
    type: plugins.PluginComponentType.Component,
    activator: () => true,
  });

  plugins.registerComponent({
    name: "LatentDiffPage",
    label: "LatentDiff page",
    component: LatentDiffPage,
    type: plugins.PluginComponentType.Component,
    activator: () => true,
  });
})();
