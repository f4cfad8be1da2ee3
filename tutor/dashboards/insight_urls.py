"""Addresses of what a class's answers say, below the class's own."""

from django.urls import URLPattern, URLResolver, path

from tutor.dashboards.views import graph, insight, items, report

urlpatterns: list[URLPattern | URLResolver] = [
    path("items/", items.item_list, name="items"),
    path("items.csv", items.item_list_csv, name="items_csv"),
    path("items/<uuid:step_uuid>/", items.item_one, name="item"),
    path("learners/<uuid:learner_uuid>/report/", report.learner_report, name="report"),
    path("groups/", insight.group_page, name="groups"),
    path("groups.csv", insight.group_csv, name="groups_csv"),
    path("now/", insight.live_page, name="live"),
    path("what-if/", insight.what_if_page, name="what_if"),
    path("what-if.csv", insight.what_if_csv, name="what_if_csv"),
    path("graph/", graph.graph_page, name="graph"),
    path("graph/decide/", graph.edge_decision, name="edge_decide"),
    path(
        "graph/decisions/<uuid:decision_uuid>/withdraw/",
        graph.edge_withdraw,
        name="edge_withdraw",
    ),
]
