// The list of executions.

import "./confirm.js";
import { keepLive } from "./live.js";

keepLive();
