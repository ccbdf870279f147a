// The gallery and the pages of its ZApps: nothing happens there but that the scheduler comes and goes.

import { keepFresh } from "./live.js";

keepFresh();
