// SPDX-License-Identifier: Apache-2.0
// Read-aloud with a voice that is on the phone. Some browsers list voices that they would fetch, or
// answer Chinese in an English voice: only local Chinese ones count, else the button is not shown.

let voice = $state.raw<SpeechSynthesisVoice>();
let speaking = $state('');

const synth = typeof speechSynthesis === 'undefined' ? undefined : speechSynthesis;

function findVoice(): void {
  const voices = synth?.getVoices() ?? [];
  voice = voices.find((one) => one.localService && /^(zh|cmn)\b/i.test(one.lang.replace('_', '-')));
}

findVoice();
synth?.addEventListener?.('voiceschanged', findVoice);

export function canSpeak(): boolean {
  return voice !== undefined;
}

/** Id given to `speak` while it is read, else empty. */
export function speakingOf(): string {
  return speaking;
}

export function speak(id: string, text: string): void {
  if (!synth || !voice) return;
  synth.cancel();
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice;
  words.lang = voice.lang;
  words.rate = 0.9;
  words.onend = words.onerror = () => {
    if (speaking === id) speaking = '';
  };
  speaking = id;
  synth.speak(words);
}

export function stopSpeaking(): void {
  speaking = '';
  synth?.cancel();
}
