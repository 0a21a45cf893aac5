// The one component that LatentDiff needs beside FiftyOne's own: a frame for its Gradio page. Written by hand, nothing to build.
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
      return local && address.protocol === "http:" ? address.href : null;
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
      style: { width: "100%", minWidth: "min(1100px, 80vw)", height: view.height || "78vh", border: 0, borderRadius: 6, background: "transparent" },
    });
  }

  plugins.registerComponent({
    name: "LatentDiffPage",
    label: "LatentDiff page",
    component: LatentDiffPage,
    type: plugins.PluginComponentType.Component,
    activator: () => true,
  });
})();
