/** Goes from picture to picture by itself. It knows nothing of pictures. */

const LEAST_MS = 125; // that a picture is shown
const MOST_MS = 2000; // that is waited for one, such as where nothing is drawn

export class Player {
  /**
   * @param {Object} actions
   * @param {() => Promise<void>} actions.next shows the next picture; over once it can be seen
   * @param {() => boolean} actions.goesOn asked before every picture
   * @param {(playing: boolean) => void} actions.onChange
   */
  constructor({ next, goesOn, onChange }) {
    this.next = next;
    this.goesOn = goesOn;
    this.onChange = onChange;
    this.round = 0; // of the latest start or stop: a loop of an earlier one ends
    this.playing = false;
  }

  toggle() {
    if (this.playing) this.stop();
    else void this.start();
  }

  async start() {
    this.round += 1;
    const { round } = this;
    this.playing = true;
    this.onChange(true);
    while (this.round === round && this.goesOn()) {
      await Promise.all([Promise.race([this.next(), pause(MOST_MS)]), pause(LEAST_MS)]);
    }
    if (this.round === round) this.stop();
  }

  stop() {
    if (!this.playing) return;
    this.round += 1;
    this.playing = false;
    this.onChange(false);
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
