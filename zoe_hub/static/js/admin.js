// The pages of the administration that follow what happens.

import "./confirm.js";
import { keepLive } from "./live.js";

keepLive();
