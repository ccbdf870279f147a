// The list of executions.

import "./confirm.js";
import "./endings.js";
import { keepLive } from "./live.js";

keepLive();
