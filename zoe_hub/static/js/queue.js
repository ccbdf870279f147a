// The queue: it moves without an event of its own. Who operates it also follows what all others do.

import "./confirm.js";
import { config } from "./config.js";
import { keepFresh, keepLive } from "./live.js";

if (config.events) keepLive();
else keepFresh();
