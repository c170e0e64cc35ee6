-- Second factors by stored procedures and a trigger. The application's role, web, may call these and nothing
-- of mfa itself: numbers come from the tables, and nobody chooses texts, lengths or attempts.
--
--     psql -d shop -v ON_ERROR_STOP=1 -f stored_procedures.sql
--
-- As a superuser, in a database with mfa and a provider named signalwire.

CREATE ROLE web LOGIN;
CREATE ROLE auth NOLOGIN;

CREATE TABLE account (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone           text, -- as the person gave it
    confirmed_phone text  -- where codes for the login go
);
CREATE TABLE payment (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer  bigint NOT NULL REFERENCES account,
    amount numeric NOT NULL,
    paid   boolean NOT NULL DEFAULT false
);

-- A new number is confirmed by a code. The message leaves if the row does.

CREATE FUNCTION ask_for_confirmation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM mfa_send(NEW.phone, purpose => 'phone:' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER ask_for_confirmation AFTER INSERT OR UPDATE OF phone ON account
    FOR EACH ROW WHEN (NEW.phone IS NOT NULL) EXECUTE FUNCTION ask_for_confirmation();

CREATE FUNCTION confirm_phone(account_id bigint, code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    number text := (SELECT phone FROM account WHERE id = account_id FOR UPDATE);
BEGIN
    IF NOT mfa_verify(number, code, 'phone:' || account_id) THEN
        RETURN false;
    END IF;
    UPDATE account SET confirmed_phone = number WHERE id = account_id;
    RETURN true;
END $$;

-- A login. The first says 'sent', or why not yet; of the second, 'verified' is the only good answer.

CREATE FUNCTION start_login(account_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    reason text;
BEGIN
    PERFORM mfa_send(confirmed_phone) FROM account WHERE id = account_id AND confirmed_phone IS NOT NULL;
    RETURN 'sent';
EXCEPTION WHEN SQLSTATE 'MF001' THEN -- send limit reached
    GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
    RETURN reason;
END $$;

CREATE FUNCTION finish_login(account_id bigint, code text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    number text := (SELECT confirmed_phone FROM account WHERE id = account_id);
BEGIN
    RETURN (SELECT status FROM mfa_check(number, code));
END $$;

-- A payment is made in the transaction that accepts its code. The error for a wrong one undoes what the
-- caller's transaction has done, but not the count of the attempt.

CREATE FUNCTION start_payment(payment_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM mfa_send(confirmed_phone, purpose => 'payment:' || payment_id,
                     message => 'Pay ' || amount || ' to Acme: {code}')
    FROM payment JOIN account ON account.id = payer WHERE payment.id = payment_id AND NOT paid;
END $$;

CREATE FUNCTION pay(payment_id bigint, code text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    number text := (SELECT confirmed_phone FROM payment JOIN account ON account.id = payer
                    WHERE payment.id = payment_id AND NOT paid FOR UPDATE OF payment);
BEGIN
    IF NOT mfa_verify(number, code, 'payment:' || payment_id) THEN
        RAISE EXCEPTION 'not the code for payment %', payment_id USING ERRCODE = '28000';
    END IF;
    UPDATE payment SET paid = true WHERE id = payment_id;
END $$;

-- auth owns them, so it is the role that sends and verifies.

GRANT EXECUTE ON FUNCTION mfa_send, mfa_verify(text, text, text), mfa_check(text, text, text) TO auth;
GRANT USAGE ON FOREIGN SERVER signalwire TO auth;
GRANT SELECT, UPDATE ON account, payment TO auth;
ALTER FUNCTION ask_for_confirmation OWNER TO auth;
ALTER FUNCTION confirm_phone OWNER TO auth;
ALTER FUNCTION start_login OWNER TO auth;
ALTER FUNCTION finish_login OWNER TO auth;
ALTER FUNCTION start_payment OWNER TO auth;
ALTER FUNCTION pay OWNER TO auth;

REVOKE ALL ON FUNCTION ask_for_confirmation, confirm_phone, start_login, finish_login, start_payment, pay
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION confirm_phone, start_login, finish_login, start_payment, pay TO web;
GRANT SELECT (id), INSERT (phone), UPDATE (phone) ON account TO web;
GRANT SELECT (id), INSERT (payer, amount) ON payment TO web;
