// The browsable documentation: one page with everything in it, so it works without any other server. Its policy names the page's own scripts
// by their hashes, and lets it fetch from this server alone.
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiScalar } from "effect/http-api"
import { createHash } from "node:crypto"
import { Api } from "./Api.ts"

const policyOf = (page: string): string => {
  const hashes = [...page.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map(([, script = ""]) =>
    `'sha256-${createHash("sha256").update(script).digest("base64")}'`
  )
  return [
    "default-src 'none'",
    `script-src ${hashes.join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src data:",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'"
  ].join("; ")
}

type Response = HttpServerResponse.HttpServerResponse

const withPolicy = (response: Response): Response => {
  const { body } = response
  const page = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
  return HttpServerResponse.setHeaders(response, {
    "content-security-policy": policyOf(page),
    "cache-control": "no-cache",
    "content-type": "text/html; charset=utf-8"
  })
}

const page = HttpApiScalar.layer(Api, { path: "/docs", scalar: { withDefaultFonts: false } })

/** The page's route as it is made by the library, with the policy put on: it is made once, when it is first asked for. */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = page.pipe(
  Layer.provide(Layer.effect(
    HttpRouter.HttpRouter,
    Effect.map(HttpRouter.HttpRouter, (router) => ({
      ...router,
      add: (method, path, handler, options) => {
        let made: Response | undefined
        const guarded = Effect.suspend(() =>
          made !== undefined
            ? Effect.succeed(made)
            : Effect.map(handler as Effect.Effect<Response>, (response) => made = withPolicy(response))
        )
        return router.add(method, path, guarded, options) as any
      }
    }))
  ))
)
