// The gallery, the pages of its ZApps and other pages on which little moves: they say whether the
// scheduler is there. Typing filters the gallery; a launch form answers before the click.

import { answerBeforeTheClick } from "./estimate.js";
import { keepLive } from "./live.js";
import { moveSliders } from "./sliders.js";
import { filterWhileTyping } from "./search.js";

keepLive();
moveSliders();
answerBeforeTheClick();
filterWhileTyping();
