// A real OpenID provider (oidc-provider) in a process of its own. Between its token endpoint and
// its client stands somebody who can change one thing of an identity token and sign it again with
// the provider's own key: what an honest provider never sends, each at a time.
//
//   node oidc_peer.mjs NODE_MODULES REDIRECT_URI
//
// Prints its issuer. GET /peer?mode=M&user=U&groups=G,H chooses what is changed, who logs in, and the
// groups that she has from now on.
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , modules, redirectUri] = process.argv;
const load = (file) => import(pathToFileURL(path.join(modules, file)).href);
const { default: Provider } = await load("oidc-provider/lib/index.js");
const jose = await load("jose/dist/node/esm/index.js");

const key = async (alg, kid) => {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  return { ...(await jose.exportJWK(privateKey)), kid, alg, use: "sig" };
};
const keys = { RS256: await key("RS256", "rsa"), ES256: await key("ES256", "ec") };
const stranger = await key("RS256", "rsa");

const GROUPS = { ann: ["staff", "campaign-admins"], vera: ["staff"], eve: ["strangers"] };
let mode = "good";
let user = "ann";

const server = http.createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const client = (id, alg, more) => ({
  client_id: id, redirect_uris: [redirectUri], response_types: ["code"],
  grant_types: ["authorization_code"], id_token_signed_response_alg: alg, ...more,
});
const provider = new Provider(issuer, {
  clients: [
    client("cadencia", "RS256", { client_secret: "s+e/c:r%t" }),
    client("public", "ES256", { token_endpoint_auth_method: "none" }),
  ],
  jwks: { keys: Object.values(keys) },
  cookies: { keys: ["for tests"] },
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub"], email: ["email"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: `${id}@example.com`, preferred_username: id, groups: GROUPS[id],
    }),
  }),
});

const now = () => Math.floor(Date.now() / 1000);
const CLAIMS = {
  issuer: { iss: "https://evil.example" },
  audience: { aud: "somebody-else" },
  audiences: { aud: ["cadencia", "somebody-else"] },
  party: { azp: "somebody-else" },
  expired: () => ({ exp: now() - 3600 }),
  endless: { exp: undefined },
  future: () => ({ iat: now() + 3600 }),
  not_yet: () => ({ nbf: now() + 3600 }),
  nonce: { nonce: "of another login" },
  no_nonce: { nonce: undefined },
  no_subject: { sub: "" },
  no_groups: { groups: undefined },
};

const sign = (claims, jwk, alg = jwk.alg, kid = jwk.kid) =>
  jose.importJWK(jwk, alg)
    .then((key) => new jose.SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key));

const changed = async (token) => {
  const header = jose.decodeProtectedHeader(token);
  const claims = jose.decodeJwt(token);
  const honest = Object.values(keys).find((one) => one.kid === header.kid);
  const { alg: _, ...anyUse } = keys.RS256;
  switch (mode) {
    case "good": return token;
    case "resigned": return sign(claims, honest);
    case "unsigned": {
      const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${part({ alg: "none" })}.${part(claims)}.`;
    }
    case "secret": {
      const secret = new TextEncoder().encode("s+e/c:r%t");
      return new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret);
    }
    case "algorithm": return sign(claims, anyUse, "RS512", "rsa");
    case "stranger": return sign(claims, stranger);
    case "unknown_key": return sign(claims, stranger, "RS256", "nobody");
    case "spoiled": return token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
    case "garbage": return "garbage";
    default: {
      const change = CLAIMS[mode];
      return sign({ ...claims, ...(typeof change === "function" ? change() : change) }, honest);
    }
  }
};

provider.use(async (ctx, next) => {
  if (ctx.path === "/peer") {
    mode = ctx.query.mode ?? mode;
    user = ctx.query.user ?? user;
    if (ctx.query.groups) GROUPS[user] = ctx.query.groups.split(",");
    ctx.body = "ok";
    return;
  }
  if (ctx.path.startsWith("/interaction/")) {
    // The person says yes to everything.
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    const grant = new provider.Grant({ accountId: user, clientId: details.params.client_id });
    grant.addOIDCScope(details.params.scope);
    const result = { login: { accountId: user }, consent: { grantId: await grant.save() } };
    const once = { mergeWithLastSubmission: false };
    await provider.interactionFinished(ctx.req, ctx.res, result, once);
    ctx.respond = false;
    return;
  }
  await next();
  if (ctx.path === "/token" && ctx.body?.id_token) {
    ctx.body.id_token = await changed(ctx.body.id_token);
  }
});

server.on("request", provider.callback());
console.log(issuer);
// Ends with the test.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
