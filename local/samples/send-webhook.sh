# Signs a webhook by Standard Webhooks and sends it, with openssl and curl:
#   WEBHOOK_URL=https://… WEBHOOK_SECRET=whsec_… sh send-webhook.sh 129.90
at=$(date +%s)
id="msg_$(openssl rand -hex 12)"
body='{"transaction_id":"pay-'${id#msg_}'","amount":"'${1:-129.90}'","currency":"EUR","provider":"'${WEBHOOK_PROVIDER:-acme-pay}'","customer_id":"customer-7"}'

key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf %s "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

curl -sS -w '\n' -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $at" \
    -H "webhook-signature: v1,$signature" --data-binary "$body" "$WEBHOOK_URL"
