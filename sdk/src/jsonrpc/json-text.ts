// JSON that was made before it is sent: of thousands of objects that are said again and again, each needs to be made
// into text once only.

/** The text of a JSON object, for `params` of a request. Whoever makes one answers for its being an object. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The same object with one more member, which it does not have yet. */
  with(name: string, value: object): JsonText {
    const isEmpty = this.text === '{}'
    const member = `${JSON.stringify(name)}:${JSON.stringify(value)}}`
    return new JsonText(`${this.text.slice(0, -1)}${isEmpty ? '' : ','}${member}`)
  }
}
