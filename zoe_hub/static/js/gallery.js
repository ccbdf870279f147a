// The gallery and the pages of its ZApps: the scheduler comes and goes, and a launch form answers
// before the click.

import { answerBeforeTheClick } from "./estimate.js";
import { keepFresh } from "./live.js";

keepFresh();
answerBeforeTheClick();
