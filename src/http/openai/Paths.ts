// Where the OpenAI API is. Everything that is refused under /v1 is refused in its form, the edge's own refusals too.

export const paths = {
  /** The list, and each model: names may hold slashes. */
  models: "/v1/models/*",
  chat: "/v1/chat/completions",
  text: "/v1/completions"
} as const

/** Method and form of each route, to tell a wrong method from a wrong path. */
export const forms: ReadonlyArray<{ readonly method: string; readonly form: RegExp }> = [
  { method: "GET", form: /^\/+v1\/+models(?:\/|$)/ },
  { method: "POST", form: /^\/+v1\/+chat\/+completions\/?$/ },
  { method: "POST", form: /^\/+v1\/+completions\/?$/ }
]

export const isOpenAiPath = (path: string): boolean => /^\/+v1(?:\/|$)/.test(path)
