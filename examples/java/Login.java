import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;
import javax.sql.DataSource;
import org.postgresql.util.PSQLException;

/**
 * The second step of a login, with the PostgreSQL JDBC driver and a HikariCP pool.
 *
 * <pre>JDBC_URL='jdbc:postgresql://db.example.com/shop?user=app' java -cp … Login.java</pre>
 *
 * <p>beginLogin and finishLogin are what a web application calls in its handlers. Here, lines on standard
 * input stand for the web: "begin NUMBER", then "finish NUMBER CODE", or with the id of the request in
 * place of the number.
 *
 * <p>Behind a PgBouncer in transaction mode, add prepareThreshold=0 to the URL: a statement that was
 * prepared in one transaction is not known in the next.
 */
public final class Login {
    private static final String SEND_LIMIT_REACHED = "MF001";

    /** Its message says when the next code may be asked for. */
    static final class SendLimitReached extends Exception {
        SendLimitReached(String message) {
            super(message);
        }
    }

    record Answer(String status, int attemptsLeft) {}

    private final DataSource pool;

    Login(DataSource pool) {
        this.pool = pool;
    }

    /** Sends a code; returns the id of the request, to keep in the person's session. */
    UUID beginLogin(String phone) throws SQLException, SendLimitReached {
        try (Connection connection = pool.getConnection();
                PreparedStatement send = connection.prepareStatement("SELECT mfa_send(?)")) {
            send.setString(1, phone);
            try (ResultSet result = send.executeQuery()) { // commits by itself: the message leaves
                result.next();
                return result.getObject(1, UUID.class);
            }
        } catch (PSQLException error) {
            if (SEND_LIMIT_REACHED.equals(error.getSQLState())) {
                throw new SendLimitReached(error.getServerErrorMessage().getDetail());
            }
            throw error;
        }
    }

    /** Tries a code, for the id of a request or for a number. "verified" is the only good status. */
    Answer finishLogin(String request, String code) throws SQLException {
        try (Connection connection = pool.getConnection();
                PreparedStatement check =
                        connection.prepareStatement("SELECT status, attempts_left FROM mfa_check(?, ?)")) {
            check.setString(1, request);
            check.setString(2, code);
            try (ResultSet result = check.executeQuery()) {
                result.next();
                return new Answer(result.getString(1), result.getInt(2));
            }
        }
    }

    private String serve(String line) throws SQLException {
        String[] words = line.trim().split("\\s+");
        if (words.length == 2 && words[0].equals("begin")) {
            try {
                return "request " + beginLogin(words[1]);
            } catch (SendLimitReached limit) {
                return "not yet: " + limit.getMessage();
            }
        }
        if (words.length == 3 && words[0].equals("finish")) {
            Answer answer = finishLogin(words[1], words[2]);
            return switch (answer.status()) {
                case "verified" -> "welcome";
                case "wrong" -> "wrong code; attempts left: " + answer.attemptsLeft();
                default -> "please ask for a new code: " + answer.status();
            };
        }
        return "begin NUMBER, or finish NUMBER|REQUEST CODE";
    }

    public static void main(String[] arguments) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(System.getenv("JDBC_URL"));
        config.setMaximumPoolSize(4);
        try (HikariDataSource pool = new HikariDataSource(config);
                BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            Login login = new Login(pool);
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                System.out.println(login.serve(line));
            }
        }
    }
}
