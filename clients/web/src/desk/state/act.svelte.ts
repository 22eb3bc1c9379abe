// SPDX-License-Identifier: Apache-2.0
// One button's deed: busy while it runs, its problem when it was refused, its key kept meanwhile.

import { Attempt } from '../../api/attempt';
import { type ApiProblem, asProblem } from '../../api/problem';

export class Act {
  isBusy = $state(false);
  problem = $state.raw<ApiProblem | undefined>();
  private readonly attempt = new Attempt();

  /** `body` names what is done: the same body again carries the same key. Undefined = refused. */
  async run<T>(body: unknown, call: (key: string) => Promise<T>): Promise<T | undefined> {
    if (this.isBusy) return undefined;
    this.isBusy = true;
    this.problem = undefined;
    try {
      const out = await call(this.attempt.keyFor(body));
      this.attempt.succeeded();
      return out;
    } catch (thrown) {
      const problem = asProblem(thrown);
      this.attempt.failed(problem);
      if (problem.code !== 'elevation_required') this.problem = problem;
      return undefined;
    } finally {
      this.isBusy = false;
    }
  }
}
