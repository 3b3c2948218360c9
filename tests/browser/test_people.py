"""A company's administrator invites somebody, who signs in: with and without JavaScript."""

import pytest
from playwright.sync_api import expect

from directory.accounts import password_links
from directory.models import Level, Role, User
from tests.browser.contractor import Contractor
from tests.browser.test_accessibility import Inspection
from tests.browser.test_asking import show
from tests.browser.windows import Windows
from tests.factories import PersonFactory, join_company

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "seven wet ladders in a row"


@pytest.fixture
def administrator(contractor: Contractor) -> User:
    Role.objects.create(company=contractor.company, name="Project manager", commitments_level=Level.ADMIN)
    person: User = PersonFactory(first_name="Ada", last_name="Ministrator")
    join_company(person, contractor.company, is_administrator=True)
    return person


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_invitation_to_the_first_sign_in(
    contractor: Contractor, administrator: User, windows: Windows, javascript: bool
) -> None:
    page = windows(administrator, javascript=javascript)
    page.goto("/")
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    show(page, f"first-steps-{javascript}")
    page.get_by_role("link", name="Directory", exact=True).click()
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail address").fill("ann@site.example")
    page.get_by_label("Name").fill("Ann Lee")
    page.get_by_label("Role").select_option(label="Project manager (Commitments: Admin)")
    page.locator("#id_projects").select_option(label="Library roof")
    show(page, f"invite-{javascript}")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("row", name="Ann Lee")).to_contain_text("Invited")
    show(page, f"people-{javascript}")

    link = password_links.build_password_link(User.objects.get(email="ann@site.example"))
    theirs = windows(javascript=javascript)
    theirs.goto(link[link.index("/accounts/") :])
    for label in ("New Password", "New Password (again)"):
        theirs.get_by_label(label, exact=True).fill(PASSWORD)
    theirs.get_by_role("button", name="Save the password").click()
    expect(theirs.get_by_text("Password saved.")).to_be_visible()
    theirs.get_by_label("Email").fill("ann@site.example")
    theirs.get_by_label("Password").fill(PASSWORD)
    theirs.get_by_role("button", name="Sign in", exact=True).click()
    expect(theirs.get_by_role("heading", name="Commitments")).to_be_visible()

    page.get_by_role("link", name="Ann Lee").click()
    expect(page.get_by_role("row", name="Commitments of Library roof")).to_contain_text("Project manager")
    show(page, f"person-{javascript}")
    page.get_by_role("link", name="Take out").click()
    show(page, f"leave-{javascript}")
    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_text("Ann Lee is no longer in the Directory.")).to_be_visible()
    page.get_by_role("link", name="Former members").click()
    expect(page.get_by_role("row", name="Ann Lee")).to_contain_text("Ada Ministrator")
    show(page, f"former-{javascript}")
    page.get_by_role("link", name="Invite again").click()
    expect(page.get_by_label("E-mail address")).to_have_value("ann@site.example")
    theirs.reload()
    expect(theirs.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_its_pages_by_wcag(contractor: Contractor, administrator: User, windows: Windows) -> None:
    inspection = Inspection(windows(administrator))
    page, directory = inspection.page, f"/companies/{contractor.company.slug}/directory/"
    other = contractor.company.memberships.get(user=contractor.approver)
    inspection.visit(
        *(
            directory,
            f"{directory}{other.pk}/",
            f"{directory}roles/",
            f"{directory}settings/",
            f"{directory}former/",
        ),
        f"{directory}{other.pk}/request/",
        f"/companies/{contractor.company.slug}/erp-integrations/first-steps/",
    )
    page.goto(f"{directory}import/")
    page.get_by_label("E-mail, name, role").fill("nobody\nann@site.example,Ann,Boss")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("Row 2: There is no role Boss.")
    inspection.look("rows that were refused")
    show(page, "import")
    inspection.end()
