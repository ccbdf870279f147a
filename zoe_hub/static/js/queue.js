// The queue: it moves without an event of its own.

import { keepFresh } from "./live.js";

keepFresh();
