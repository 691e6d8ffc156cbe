// Browsers start no worker from a file. Here its script runs in a hidden frame, so that search works from disk, too.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      const run = (script) =>
        new Promise((done, failed) => {
          const element = inner.document.createElement("script");
          Object.assign(element, { src: new URL(script, location.href).href, onload: done, onerror: failed, async: false });
          inner.document.head.append(element);
        });
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inner.importScripts = (...scripts) => Promise.all(scripts.map(run));
      this.ready = run(address);
    }
    postMessage(data) {
      const inner = this.frame.contentWindow;
      this.ready.then(() => inner.dispatchEvent(new inner.MessageEvent("message", { data })));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
