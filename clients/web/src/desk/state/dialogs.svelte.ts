// SPDX-License-Identifier: Apache-2.0
// Questions in front of everything: confirmation, and passphrase with code. One at a time.

export interface Question {
  title: string;
  /** What will happen, a sentence each. */
  says: string[];
  /** The button's word. */
  confirm: string;
  isDangerous?: boolean;
  /** A word that has to be typed before the button works. */
  typed?: string;
  reason?: { label: string; isRequired: boolean; max: number };
}

export type Answer = { isYes: true; reason: string } | { isYes: false };

class Dialogs {
  question = $state.raw<Question | undefined>();
  isElevating = $state(false);
  isShowingKeys = $state(false);
  private answerQuestion: (answer: Answer) => void = () => {};
  private answerElevation: (isElevated: boolean) => void = () => {};
  private elevating: Promise<boolean> | undefined;

  confirm(question: Question): Promise<Answer> {
    this.answerQuestion({ isYes: false });
    this.question = question;
    return new Promise((answer) => (this.answerQuestion = answer));
  }

  answer(answer: Answer): void {
    this.question = undefined;
    this.answerQuestion(answer);
  }

  /** Several writes at once wait for the same answer. */
  elevate(): Promise<boolean> {
    this.elevating ??= new Promise<boolean>((answer) => {
      this.isElevating = true;
      this.answerElevation = answer;
    });
    return this.elevating;
  }

  elevated(isElevated: boolean): void {
    this.isElevating = false;
    this.elevating = undefined;
    this.answerElevation(isElevated);
  }
}

export const dialogs = new Dialogs();
