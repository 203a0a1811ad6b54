// How often each driver was told what should be. Who changes several drivers' objects and writes it down at the end looks
// whether one was told of the former state in between.

export class SyncRounds {
  readonly #rounds = new Map<string, number>()

  begin(driver: string): void {
    this.#rounds.set(driver, this.of(driver) + 1)
  }

  of(driver: string): number {
    return this.#rounds.get(driver) ?? 0
  }
}
