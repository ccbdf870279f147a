// Pages of JupyterLab and Notebook 7 warn before Zoe ends their server: written as it is loaded, no
// bundler has seen it. The other end is zoe_client/jupyter, which also says what a notice has.
"use strict";
(() => {
    const NAME = "zoe-warning";
    const PAUSES = [1000, 2000, 5000, 10000, 30000]; // before the next tries to connect
    const TRIES = 5; // in vain, before a server that has no such address is left alone
    const TICK = 5000;
    const LAST_CALL = 120; // seconds before the end, when what was closed is said again

    const lengthOf = seconds => {
        if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
        const minutes = Math.round(seconds / 60);
        if (minutes < 60) return `${minutes} min`;
        const rest = minutes % 60;
        return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
    };

    const clockAt = moment =>
        new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

    class Warning {
        constructor(notifications, ask) {
            this.notifications = notifications;
            this.ask = ask;
            this.shown = null; // the id of what is shown
            this.saidLast = false;
        }

        take(notice) {
            if ("failed" in notice) {
                const said = `Zoe could not do it: ${notice.failed}`;
                this.notifications.error(said, { autoClose: 10000 });
                return;
            }
            if (this.shown !== null && this.changes(notice)) this.drop();
            const now = Date.now();
            const { left, warn_in: wait } = notice;
            const until = { endsAt: now + left * 1000, from: now + wait * 1000 };
            this.notice = left === null ? null : { ...notice, ...until };
            this.look();
        }

        look() {
            clearTimeout(this.timer);
            if (!this.notice || Date.now() < this.notice.from) this.hide();
            else this.show();
            if (!this.notice) return;
            const wait = Math.max(TICK, this.notice.from - Date.now());
            this.timer = setTimeout(() => this.look(), Math.min(wait, 2 ** 31 - 1));
        }

        show() {
            const message = this.words();
            if (this.shown === null) {
                const options = { autoClose: false, actions: this.actions() };
                this.shown = this.notifications.warning(message, options);
            } else if (this.notifications.manager.has(this.shown)) {
                this.notifications.update({ id: this.shown, message });
            } else if (!this.saidLast && this.left() < LAST_CALL) {
                this.saidLast = true;
                this.shown = null;
                this.show();
            }
        }

        drop() {
            this.notifications.dismiss(this.shown);
            this.shown = null;
            this.saidLast = false;
        }

        hide() {
            if (this.shown === null) return;
            this.drop();
            this.notifications.success("This server goes on.", { autoClose: 5000 });
        }

        // Whether something else will end it now, or something else helps: that is said anew.
        changes(notice) {
            const due = notice.left !== null && notice.warn_in <= 0;
            const said = ["because", "more", "limit"];
            return due && said.some(each => notice[each] !== this.notice[each]);
        }

        left() {
            return (this.notice.endsAt - Date.now()) / 1000;
        }

        words() {
            const { because, more, endsAt } = this.notice;
            const left = this.left();
            const end = left > 0 ? `in ${lengthOf(left)}, at ${clockAt(endsAt)}` : "now";
            if (because === "idle")
                return `Nobody uses this server. It will be stopped ${end}, with its kernels.`;
            const help = more > 0 ? "" : " Your quota allows no more: save your work.";
            return `The time of this server is over soon. It will be stopped ${end}.${help}`;
        }

        actions() {
            const { because, more, limit } = this.notice;
            if (because !== "idle" && more <= 0) return [];
            const label = because === "idle" ? "Keep it" : `Give it ${lengthOf(more)} more`;
            const callback = event => {
                event.preventDefault(); // it stays until the server says that it goes on
                this.ask(limit); // what this button offers, whatever is true by now
            };
            return [{ label, displayType: "accent", callback }];
        }
    }

    class Line {
        constructor(settings, url, make) {
            this.settings = settings;
            this.url = url;
            this.failures = 0;
            this.opened = false;
            this.warning = make(limit => this.socket.send(JSON.stringify({ stay: limit })));
            this.connect();
        }

        connect() {
            this.socket = new this.settings.WebSocket(this.url);
            this.socket.onopen = () => {
                this.failures = 0;
                this.opened = true;
            };
            this.socket.onmessage = event => this.warning.take(JSON.parse(event.data));
            this.socket.onclose = () => {
                this.failures += 1;
                if (!this.opened && this.failures >= TRIES) return;
                const pause = PAUSES[Math.min(this.failures, PAUSES.length) - 1];
                setTimeout(() => this.connect(), pause);
            };
        }
    }

    let scope; // what JupyterLab shares with extensions: packages by name and version
    const shared = async name => (await Object.values(scope[name])[0].get())();

    const plugin = (apputils, coreutils) => ({
        id: `${NAME}:plugin`,
        description: "Warns before Zoe ends this server.",
        autoStart: true,
        activate: app => {
            const settings = app.serviceManager.serverSettings;
            const token = settings.appendToken && settings.token;
            const query = token ? `?token=${encodeURIComponent(token)}` : "";
            const url = coreutils.URLExt.join(settings.wsUrl, "zoe/warnings") + query;
            new Line(settings, url, ask => new Warning(apputils.Notification, ask));
        },
    });

    window._JUPYTERLAB = window._JUPYTERLAB ?? {};
    window._JUPYTERLAB[NAME] = {
        init: given => {
            scope = given;
        },
        get: async () => {
            const [apputils, coreutils] = await Promise.all(
                ["@jupyterlab/apputils", "@jupyterlab/coreutils"].map(shared),
            );
            return () => ({ __esModule: true, default: plugin(apputils, coreutils) });
        },
    };
})();
